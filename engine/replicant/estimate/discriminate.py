"""Discrimination of real and synthetic rows by a logistic model on all columns.

It reduces over partitions like any other model. From its scores come the confusion of classes drawn with the fitted
probability and of classes cut at one half, the area under the curve, and the propensity mean squared error with its
mean and deviation where the synthesis model is right (Snoke, Raab, Nowok, Dibben & Slavkovic 2018, JRSS A 181).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.estimate.confusion import Confusion
from replicant.estimate.design import Design, Prepared, prepare
from replicant.estimate.estimable import settled
from replicant.estimate.formula import parse
from replicant.estimate.glm import fit_glm, logit_from
from replicant.estimate.levels import Survey, merge_surveys, same_levels, survey
from replicant.estimate.marked import Marked, Pair
from replicant.estimate.moments import basis_of, moments
from replicant.estimate.partitions import Source, columns_of, partitioned
from replicant.estimate.result import Fit
from replicant.estimate.sampling import sampling_of, tally
from replicant.estimate.scores import Scores, confused, distances, drawn, exchanged, null_pmse, scored
from replicant.view.figures import brief

__all__ = ["Discrimination", "Discriminator", "SetScore", "discriminate"]


@dataclass(frozen=True, eq=False, slots=True)
class SetScore:
    """Real rows against those of one synthetic set.

    Attributes
    ----------
    fit
        Coefficients of the log odds that a row is real.
    confusion_drawn, confusion_cut
        Confusion of classes drawn with the fitted probability, as in the paper, and cut at one half; `0`, synthetic, is
        the positive class.
    auc, auc_error
        Area under the curve, and a bound for what putting scores into bins does to it; 0 where rows are in memory.
    pmse, pmse_null, pmse_null_sd
        Propensity mean squared error; its mean and deviation where the synthesis model is right.
    specks
        Kolmogorov-Smirnov distance of the scores.
    """

    fit: Fit
    confusion_drawn: Confusion
    confusion_cut: Confusion
    auc: float
    auc_error: float
    pmse: float
    pmse_null: float
    pmse_null_sd: float
    specks: float

    @property
    def pmse_ratio(self) -> float:
        """pMSE over its mean under a right model; NaN of a model without terms."""
        return self.pmse / self.pmse_null if self.pmse_null > 0 else np.nan

    @property
    def pmse_z(self) -> float:
        """pMSE in deviations from its mean under a right model; NaN of a model without terms."""
        return (self.pmse - self.pmse_null) / self.pmse_null_sd if self.pmse_null_sd > 0 else np.nan


class Discriminator:
    """Tells one real table from many synthetic sets: what is the same for all of them is made once.

    Parameters
    ----------
    real
        A frame, or partitions of one.
    formula
        One-sided: `~ age + hgt`; all columns, but for weights, clusters and fpc, unless given. Rows with missing cells
        in it are left out and said.
    weights
        Of the real rows: a column's name, or an array (one for each partition). A column that the synthetic sets have
        too weights their rows as well; else these count one each.
    weight_kind, strata, clusters, fpc, nest, lonely_psu
        As for `replicant.estimate.fit`. Of a survey only the weights of one table relative to one another count, so
        that real and synthetic rows keep their shares, and standard errors are linearized; strata, clusters and fpc
        are columns of both tables, and a real unit is another than a synthetic one of its name.
    maxiter
        The largest number of iterations of the fit.
    """

    def __init__(
        self,
        real: Any,
        formula: str | None = None,
        *,
        weights: Any = None,
        weight_kind: str | None = None,
        strata: str | None = None,
        clusters: str | None = None,
        fpc: str | None = None,
        nest: bool = False,
        lonely_psu: str = "fail",
        maxiter: int = 100,
    ) -> None:
        self._weights = weights if isinstance(weights, str) else None
        self._maxiter = maxiter
        source = partitioned(real, weights)
        sampling = sampling_of(
            source, weights, weight_kind, strata=strata, clusters=clusters, fpc=fpc, nest=nest, lonely_psu=lonely_psu
        )
        self._surveyed = sampling.survey
        columns = columns_of(source)
        indicator = "is_real"
        while indicator in columns:
            indicator += "_"
        terms = "~ ." if formula is None else formula.strip()
        if not terms.startswith("~"):
            raise SpecError("the formula has a response", need="a one-sided formula: ~ age + hgt")
        self._sampling = sampling.beside(indicator)
        aside = {self._weights, clusters, fpc} if formula is None else {None}
        known = tuple(name for name in columns if name not in aside)
        self._formula = parse(f"{indicator} {terms}", (indicator, *known))
        if self._formula.offsets:
            raise SpecError("the formula has an offset", need="terms alone, whose coefficients tell the rows apart")
        self._names = tuple(name for name in self._formula.names if name != indicator)
        self._indicator = indicator
        self._real = self._marked(source, 1.0)
        self._survey = self._levels(source)
        self._last: tuple[Survey, Prepared, Design] | None = None

    def score(self, synthetic: Any, rng: np.random.Generator | None = None) -> SetScore:
        """Real rows against those of one set.

        Parameters
        ----------
        synthetic
            A frame, or partitions of one.
        rng
            For the drawn classes: a stream of the run. Without one, a fixed stream.
        """
        fit, prepared, scores, error = self._scored(synthetic)
        auc, pmse, specks = distances(scores)
        null, deviation = null_pmse(prepared, scores, int(np.isfinite(fit.estimates).sum()), self._surveyed)
        return SetScore(
            settled(fit),
            confused(scores, drawn(scores, rng if rng is not None else np.random.default_rng(0))),
            confused(scores, scores.weight * (scores.p > 0.5)),
            auc,
            error,
            pmse,
            null,
            deviation,
            specks,
        )

    def scores(self, synthetic: Any) -> tuple[Scores, int]:
        """The fitted probabilities that a row is real, and how many coefficients could be estimated.

        Parameters
        ----------
        synthetic
            A frame, or partitions of one.
        """
        fit, _, scores, _ = self._scored(synthetic)
        return scores, int(np.isfinite(fit.estimates).sum())

    def exchanged(self, synthetic: Any, rng: np.random.Generator, times: int) -> list[Scores]:
        """What `scores` would be, about, if unweighted rows in memory were exchanged between the tables at random.

        Parameters
        ----------
        synthetic
            A frame.
        rng
            The stream of the exchanges.
        times
            How many.
        """
        prepared = self._prepared(partitioned(synthetic))
        basis = basis_of(prepared, moments(prepared))
        return prepared.reduce(partial(exchanged, basis=basis, rng=rng, times=times), operator.add)

    def refined(self, synthetic: Any, all_real: Any, all_synthetic: Any, sizes: tuple[int, int]) -> tuple[Scores, int]:
        """What `scores` would be of all rows of unweighted tables, of which this object has some.

        A model of some rows begins the fit to all of them, which then takes few passes: see `logit_from`.

        Parameters
        ----------
        synthetic
            Some rows of the set.
        all_real, all_synthetic
            All rows: frames, or partitions of them.
        sizes
            How many there are.
        """
        some = self._prepared(partitioned(synthetic))
        real, made = (
            Marked(partitioned(one), self._indicator, mark, 1.0)
            for one, mark in ((all_real, 1.0), (all_synthetic, 0.0))
        )
        every = some.elsewhere(Pair(made, real))
        beta = logit_from(some, every, sizes[0] / sum(sizes))
        found, _ = scored(every, beta, surveyed=False)
        return found, int(np.isfinite(beta).sum())

    def _scored(self, synthetic: Any) -> tuple[Fit, Prepared, Scores, float]:
        source = partitioned(synthetic)
        if self._weights is not None and self._weights in columns_of(source):
            source = partitioned(synthetic, self._weights)
        prepared = self._prepared(source)
        fit = fit_glm(prepared, "logit", maxiter=self._maxiter)
        if self._sampling.messages:
            fit = replace(fit, messages=(*fit.messages, *self._sampling.messages))
        scores, error = scored(prepared, fit.estimates, self._surveyed)
        return fit, prepared, scores, error

    def _marked(self, source: Source, value: float) -> Marked:
        rows, total, broken = source.reduce(tally, np.add)
        if self._surveyed:
            if not total > 0:
                raise DataError("no row has a weight", need="weights above 0")
            return Marked(source, self._indicator, value, rows / total)
        if broken:
            raise DataError(
                f"{int(broken)} frequency weights are not whole",
                need="whole numbers: a class is drawn for each of the equal rows",
                fix='weight_kind="survey" takes any',
            )
        return Marked(source, self._indicator, value, 1.0)

    def _levels(self, source: Source) -> Survey:
        wanted = tuple(v.names[0] for v in self._formula.variables if v.role == "factor")
        return survey(source, self._names, wanted)

    def _prepared(self, source: Source) -> Prepared:
        """The formula bound to real and synthetic rows. Sets with the same levels share the design of the real rows."""
        pair = Pair(self._marked(source, 0.0), self._real)
        found = merge_surveys(self._levels(source), self._survey)
        last = self._last  # read once: threads may share this object
        if last is not None and same_levels(found, last[0]):
            _, prepared, design = last
            return prepared.on(pair, pair.synthetic.design(prepared).beside(design))
        prepared = prepare(self._formula, pair, found={**found, self._indicator: None}, sampling=self._sampling)
        if not pair.cached:
            return prepared
        design = self._real.design(prepared)
        if not prepared.learns:
            self._last = found, prepared, design
        return prepared.on(pair, pair.synthetic.design(prepared).beside(design))


@dataclass(frozen=True, eq=False)
class Discrimination:
    """Real against synthetic rows, by one logistic model for each of m sets.

    Attributes
    ----------
    scores
        One for each set.
    """

    scores: tuple[SetScore, ...]

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The model of each set."""
        return tuple(one.fit for one in self.scores)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each set: auc, pmse, pmse_null, pmse_null_sd, pmse_ratio, pmse_z, specks, auc_error."""
        names = ("auc", "pmse", "pmse_null", "pmse_null_sd", "pmse_ratio", "pmse_z", "specks", "auc_error")
        return pd.DataFrame([{name: getattr(one, name) for name in names} for one in self.scores])

    def confusion_frame(self, which: str = "drawn") -> pd.DataFrame:
        """A row for each set with the statistics of the paper's Table 7.

        Parameters
        ----------
        which
            `drawn`: classes drawn by the fitted probabilities, as in the paper. `cut`: the likelier class.

        Returns
        -------
        DataFrame
            accuracy, balanced_accuracy, kappa, mcnemar_p, sensitivity, specificity, prevalence.

        Raises
        ------
        SpecError
            For another kind of classes.
        """
        if which not in {"drawn", "cut"}:
            raise SpecError("the kind of classes is unknown", need="drawn or cut")
        rows = []
        for score in self.scores:
            one = score.confusion_drawn if which == "drawn" else score.confusion_cut
            of_class = {name: values[0] for name, values in one.class_statistics.items()}
            rows.append(
                {
                    "accuracy": one.overall["accuracy"],
                    "balanced_accuracy": of_class["balanced_accuracy"],
                    "kappa": one.overall["kappa"],
                    "mcnemar_p": one.overall["mcnemar_p"],
                    "sensitivity": of_class["sensitivity"],
                    "specificity": of_class["specificity"],
                    "prevalence": of_class["prevalence"],
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"<Real against {len(self.scores)} synthetic sets>"

    def __str__(self) -> str:
        return f"{self._facts()}\n{self.frame.to_string(index=False, float_format=brief)}"

    def _facts(self) -> str:
        ratio = self.frame["pmse_ratio"]
        return f"pMSE ratio {ratio.mean():.2f} (1 where the sets are drawn right), AUC {self.frame['auc'].mean():.3f}"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        names = {"auc": "AUC", "pmse": "pMSE", "pmse_null": "its mean if right", "pmse_ratio": "ratio", "pmse_z": "z"}
        body = [
            (f"set {i}", f"{auc:.3f}", brief(pmse), brief(null), f"{ratio:.2f}", f"{z:+.2f}")
            for i, (auc, pmse, null, ratio, z) in enumerate(self.frame[list(names)].to_numpy().tolist(), 1)
        ]
        head = ("real against", *names.values())
        said = dict.fromkeys(message for fit in self.fits for message in fit.messages)
        table = rows(head, body, right=range(1, len(head)))
        return fragment("Discrimination of real and synthetic rows", self._facts(), table, notes(said))


def discriminate(
    real: Any,
    synthetic: Any,
    formula: str | None = None,
    *,
    weights: Any = None,
    weight_kind: str | None = None,
    rng: np.random.Generator | None = None,
    maxiter: int = 100,
    **design: Any,
) -> Discrimination:
    """Tell real from synthetic rows by a logistic model.

    Parameters
    ----------
    real, formula, weights, weight_kind, maxiter, design
        As for `Discriminator`; `design` are `strata`, `clusters`, `fpc`, `nest` and `lonely_psu`.
    synthetic
        m sets: frames, or partitions of them.
    rng
        For the drawn classes: a stream of the run. Without one, a fixed stream.
    """
    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not sets:
        raise DataError("there are no synthetic sets", need="at least one")
    stream = rng if rng is not None else np.random.default_rng(0)
    discriminator = Discriminator(real, formula, weights=weights, weight_kind=weight_kind, maxiter=maxiter, **design)
    return Discrimination(tuple(discriminator.score(one, stream) for one in sets))
