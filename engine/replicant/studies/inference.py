"""Estimands with an interval: coefficients of a model, and correlations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.analysis import Analyses, analyse, in_nests
from replicant.errors import DataError, ReplicantError, SpecError
from replicant.estimate import Fit, aligned, correlation
from replicant.pool import choose, invalid, pool
from replicant.pool.distributions import t_quantile
from replicant.studies.arm import Arm
from replicant.studies.estimand import Floats, Head, Measured

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Coefficients", "Correlations", "rules_of"]

FIELDS = ("estimate", "std_error", "width", "coverage")


def rules_of(
    rule: str,
    manifests: Mapping[str, Mapping[str, Any]],
    columns: tuple[str, ...] | None,
    errors: str = "model",
) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each variant the rule of pooling and its options; a rule that does not hold for a variant is refused."""
    made = {}
    for name, manifest in manifests.items():
        try:
            choice = choose(manifest, columns=columns, errors=errors) if rule == "auto" else None
        except SpecError as error:
            raise SpecError(f"variant {name!r}: {error.found}", need=error.need, fix="give it more sets (m)") from None
        if choice is None and (reason := invalid(rule, manifest, columns=columns, errors=errors)):
            raise SpecError(
                f"The rule {rule!r} does not hold for the variant {name!r}: {reason}.", fix="use rule: auto"
            )
        made[name] = (rule, {}) if choice is None else (choice.rule, dict(choice.options))
    return made


def _figures(estimate: Floats, error: Floats, low: Floats, high: Floats, truth: Floats) -> Floats:
    """The fields, with NaN throughout where there is no interval, or no truth to lie in it."""
    covered = np.where(np.isfinite(high - low + truth), (low <= truth) & (truth <= high), np.nan)
    figures = np.stack([estimate, error, high - low, covered])
    figures[:, ~np.isfinite(figures).all(axis=0)] = np.nan
    return figures


@dataclass(frozen=True, eq=False)
class Coefficients:
    """A model's coefficients; `original` is its fit on the original data, which decides what the parameters are."""

    head: Head
    model: str | Callable[..., Any]
    formula: str
    manifest: Mapping[str, Any]
    rules: Mapping[str, str]
    level: float
    original: Fit
    design: Mapping[str, Any]

    @classmethod
    def bind(
        cls,
        name: str,
        title: str | None,
        model: str | Callable[..., Any],
        formula: str,
        rule: str,
        frame: pd.DataFrame,
        manifests: Mapping[str, Mapping[str, Any]],
        level: float,
        design: Mapping[str, Any],
    ) -> Coefficients:
        """Fit it on the original data: the truth."""
        manifest = next(iter(manifests.values()))
        found = analyse([frame], manifest, model, formula, **design)
        fit = found[0]
        if fit.separated or not np.isfinite(fit.estimates).any():
            raise DataError(
                f"the model of {name!r} has no estimates on the original data",
                need="a model that these data can estimate",
                fix="fit it on them first, and look at its messages",
            )
        rules = {arm: chosen for arm, (chosen, _) in rules_of(rule, manifests, found.columns, fit.errors).items()}
        said = {"model": model if isinstance(model, str) else "a function", "formula": formula, "rule": rules, **design}
        head = Head(
            name, title, "model", fit.terms, tuple({} for _ in fit.terms), FIELDS, fit.estimates.copy(), about=said
        )
        return cls(head, model, formula, manifest, rules, level, fit, design)

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        figures = np.full((len(FIELDS), len(self.head.terms)), np.nan)
        # Where it has no estimate the table counts that. A function of the user's, which did well on the original
        # data, may raise whatever it likes; where outcomes are separated, figures are only where a search stopped.
        with suppress(Exception if callable(self.model) else ReplicantError):
            fits = analyse(arm.frames, arm.manifest or self.manifest, self.model, self.formula, **self.design)
            # A coefficient that a replicate confounds with other columns than the original does is not an estimate of
            # its parameters.
            fits = replace(fits, fits=aligned((self.original, *fits))[1:])
            if not any(fit.separated for fit in fits):
                figures = self._of_sample(fits) if arm.is_sample else self._of_sets(fits, arm.name)
        return {self.head.name: figures}

    def _of_sample(self, fits: Analyses) -> Floats:
        fit = fits[0]
        error = fit.std_errors
        reach = t_quantile((1 + self.level) / 2, np.full(len(error), fit.df_resid)) * error
        return self._aligned(fit.terms, fit.estimates, error, fit.estimates - reach, fit.estimates + reach)

    def _of_sets(self, fits: Analyses, variant: str) -> Floats:
        pooled = fits.pool(self.rules[variant], level=self.level)
        return self._aligned(pooled.terms, pooled.estimate, pooled.std_error, pooled.conf_low, pooled.conf_high)

    def _aligned(self, terms: tuple[str, ...], *figures: Floats) -> Floats:
        """Figures in the order of the head's terms; a missing term has none."""
        if terms != self.head.terms:
            at = {term: i for i, term in enumerate(terms)}
            index = [at.get(term, -1) for term in self.head.terms]
            figures = tuple(np.append(one, np.nan)[index] for one in figures)
        assert self.head.truth is not None
        estimate, error, low, high = figures
        return _figures(estimate, error, low, high, self.head.truth)


@dataclass(frozen=True, eq=False)
class Correlations:
    """Correlations of pairs of columns, with intervals by Fisher's z."""

    head: Head
    columns: tuple[str, ...]
    rules: Mapping[str, tuple[str, dict[str, Any]]]
    nests: Mapping[str, int]
    level: float

    @classmethod
    def bind(
        cls,
        name: str,
        title: str | None,
        columns: tuple[str, ...],
        rule: str,
        frame: pd.DataFrame,
        manifests: Mapping[str, Mapping[str, Any]],
        level: float,
    ) -> Correlations:
        """Correlate the original columns: the truth."""
        found = correlation(frame, columns)
        pairs = [(a, b) for i, a in enumerate(columns) for b in columns[i + 1 :]]
        rules = rules_of(rule, manifests, columns)
        head = Head(
            name,
            title,
            "correlation",
            tuple(f"{a}, {b}" for a, b in pairs),
            tuple({"column": a, "other": b} for a, b in pairs),
            FIELDS,
            found.estimates,
            about={"transform": "fisher_z", "rule": {arm: chosen for arm, (chosen, _) in rules.items()}},
        )
        return cls(head, columns, rules, {arm: int(one.get("r") or 1) for arm, one in manifests.items()}, level)

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        found = [correlation(frame, self.columns) for frame in arm.frames]
        estimates = np.stack([one.estimates for one in found])
        n = min(one.n for one in found)
        figures = np.full((len(FIELDS), len(self.head.terms)), np.nan)
        # Where a column does not vary, or two are the same, there is no z.
        usable = (np.abs(estimates) < 1).all(axis=0) & (n > 3)
        if usable.any():
            q = estimates[:, usable]
            estimate, error, low, high = self._of_sample(q[0], n) if arm.is_sample else self._of_sets(q, n, arm.name)
            assert self.head.truth is not None
            figures[:, usable] = _figures(estimate, error, low, high, self.head.truth[usable])
        return {self.head.name: figures}

    def _of_sample(self, r: Floats, n: float) -> tuple[Floats, Floats, Floats, Floats]:
        z, error = np.arctanh(r), 1 / np.sqrt(n - 3)
        reach = float(t_quantile((1 + self.level) / 2, np.inf)) * error
        return r, (1 - r**2) * error, np.tanh(z - reach), np.tanh(z + reach)

    def _of_sets(self, estimates: Floats, n: float, variant: str) -> tuple[Floats, Floats, Floats, Floats]:
        rule, options = self.rules[variant]
        variances = (1 - estimates**2) ** 2 / (n - 3)
        r = self.nests[variant] if rule == "reiter2004" else 1
        nested = in_nests(estimates, r), in_nests(variances, r)
        pooled = pool(*nested, rule, level=self.level, transform="fisher_z", **options)
        return pooled.estimate, pooled.std_error, pooled.conf_low, pooled.conf_high
