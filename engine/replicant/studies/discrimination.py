"""Discriminating real from synthetic rows: coefficients as in Table 6 of the paper, scores as in its Table 7."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.analysis import Discriminated
from replicant.errors import DataError, ReplicantError, SpecError
from replicant.estimate import Confusion, Discriminator, SetScore
from replicant.studies.arm import Arm
from replicant.studies.estimand import Floats, Head, Measured

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Discriminations"]

FIELDS = ("estimate", "std_error", "statistic", "df", "p_value")
CONFUSION = ("accuracy", "balanced_accuracy", "kappa", "mcnemar_p", "sensitivity", "specificity", "prevalence")
MEASURES = ("auc", "pmse", "pmse_ratio")
SCORES = (
    *(f"drawn {measure.replace('_', ' ')}" for measure in CONFUSION),
    *(f"cut {measure.replace('_', ' ')}" for measure in CONFUSION),
    *(measure.replace("_", " ") for measure in MEASURES),
)


@dataclass(frozen=True, eq=False)
class Discriminations:
    """A logistic model of which rows are real: the original data, or the bootstrap sample, against each set."""

    coefficients: Head
    scores: Head
    original: Discriminator
    formula: str | None
    level: float
    against_sample: bool

    @classmethod
    def bind(
        cls,
        name: str,
        title: str | None,
        scores: str,
        scores_title: str | None,
        formula: str | None,
        against: str,
        original: pd.DataFrame,
        level: float,
    ) -> Discriminations:
        """Bind to the original data, discriminated from themselves to get the names of the terms."""
        try:
            discriminator = Discriminator(original, formula)
            terms = discriminator.score(original).fit.terms
        except DataError as error:
            raise SpecError(f"{name!r} cannot discriminate: {error.found}") from None
        said: dict[str, Any] = {"formula": formula or "all columns", "real": against}
        none: tuple[Mapping[str, Any], ...] = tuple({} for _ in terms)
        table = Head(name, title, "discriminate", terms, none, FIELDS, None, sample=False, about=said)
        keys = tuple({"measure": measure} for measure in SCORES)
        scored = Head(
            scores, scores_title, "scores", SCORES, keys, ("estimate",), None, sample=False, about={"of": name}
        )
        return cls(table, scored, discriminator, formula, level, against == "sample")

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.coefficients, self.scores)

    def measure(self, arm: Arm) -> Measured:
        if arm.is_sample:
            return {}
        stream = arm.stream()
        try:
            judge = self.original
            if self.against_sample and arm.sample is not None:
                judge = Discriminator(arm.sample.frames[0], self.formula)
            scores = [judge.score(frame, stream) for frame in arm.frames]
        except ReplicantError:
            # It has no estimate in this replicate, which the table counts.
            return {head.name: np.full((len(head.fields), len(head.terms)), np.nan) for head in self.heads}
        return {
            self.coefficients.name: self._pooled(Discriminated(tuple(scores))),
            self.scores.name: np.mean([_measures(one) for one in scores], axis=0)[None, :],
        }

    def _pooled(self, found: Discriminated) -> Floats:
        figures = np.full((len(FIELDS), len(self.coefficients.terms)), np.nan)
        if len(found.fits) < 2:
            return figures
        with suppress(DataError):  # no term can be estimated in every set, which the table counts
            pooled = found.pool(level=self.level)
            at = {term: i for i, term in enumerate(self.coefficients.terms)}
            index = [at[term] for term in pooled.terms]
            figures[:, index] = [pooled.estimate, pooled.std_error, pooled.statistic, pooled.df, pooled.p_value]
        return figures


def _measures(score: SetScore) -> list[float]:
    """In the order of `SCORES`."""
    return [
        *_confusion(score.confusion_drawn),
        *_confusion(score.confusion_cut),
        score.auc,
        score.pmse,
        score.pmse_ratio,
    ]


def _confusion(found: Confusion) -> list[float]:
    """In the order of `CONFUSION`; the first class, synthetic, is the positive one."""
    overall, of_class = found.overall, found.class_statistics
    return [overall[measure] if measure in overall else float(of_class[measure][0]) for measure in CONFUSION]
