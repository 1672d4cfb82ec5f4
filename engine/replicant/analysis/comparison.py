"""One model on the real data, and pooled over the synthetic sets beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.analysis.data import Data
from replicant.analysis.fitting import Model, analyse
from replicant.errors import DataError, SpecError, nearest
from replicant.estimate import Fit, common, matched
from replicant.pool import Pooled
from replicant.table.names import names_of
from replicant.view.figures import brief, probability

if TYPE_CHECKING:
    import pandas as pd

    from replicant.view.plot import Plot

__all__ = ["Comparison", "compare"]

_SOURCES = ("real", "synthetic")
_ENDS = ("estimate", "conf_low", "conf_high")
_COMPARED = (
    *("term", "real estimate", "synthetic estimate", "real std. error", "synthetic std. error"),
    *("real interval", "synthetic interval", "difference in real std. errors", "overlap of intervals"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """One model on the real data and pooled over the synthetic sets: for the data owner's eyes.

    Attributes
    ----------
    real
        The fit on the real data. Confidential.
    pooled
        The pooled fits.
    frame
        term; estimate, std_error, conf_low, conf_high of both (`_real`, `_synthetic`); `std_difference`, the difference
        in real standard errors; `overlap`, the mean share of each interval that the other covers (negative where they
        lie apart; Karr et al. 2006).
    lack_of_fit
        Chi-square statistic, degrees of freedom and p of the synthetic estimates against the real ones: the squared
        difference in the metric of its variance under a right model of synthesis, V n / (k m) (Raab, Nowok and Dibben
        2016). Trees add an error of their own, so a small p indicates their error or a bias.
    messages
        Terms that are left out because the real data or a set cannot estimate them, or codes them differently.
    """

    real: Fit
    pooled: Pooled
    frame: pd.DataFrame
    lack_of_fit: tuple[float, int, float]
    messages: tuple[str, ...] = ()

    def plot(self, terms: Sequence[str] | None = None) -> Plot:
        """The synthetic intervals beside the real ones, each term in its own real standard errors.

        On this scale all terms are comparable: the real estimate is 0, and its 95 % interval is -1.96 to 1.96.

        Parameters
        ----------
        terms
            Which; all unless given.

        Returns
        -------
        Plot
            A notebook shows it; `.save("estimates.svg")` keeps it.

        Raises
        ------
        SpecError
            For a term that is not there.
        """
        from replicant.view.intervals import Interval, intervals
        from replicant.view.plot import Plot

        known = list(self.frame["term"])
        terms = None if terms is None else names_of(terms)
        for term in terms or ():
            if term not in known:
                raise SpecError(f"{term!r} is not a term{nearest(term, known)}", need="terms of the model")
        shown = self.frame.set_index("term").loc[list(terms or known)]
        groups = {
            which: [
                Interval(*((row[f"{end}_{which}"] - row["estimate_real"]) / row["std_error_real"] for end in _ENDS))
                for _, row in shown.iterrows()
            ]
            for which in _SOURCES
        }
        axis = "difference from the real estimate, in real standard errors"
        drawn = intervals("Estimates", axis, list(shown.index), groups)
        return Plot("Real beside synthetic", f"{self._facts()}; {self._fit()}", [drawn])

    def _facts(self) -> str:
        formula = f": {self.real.formula}" if self.real.formula else ""
        return f"{self.real.model}{formula}, m = {self.pooled.m}, pooled by {self.pooled.rule}"

    def _fit(self) -> str:
        statistic, df, p = self.lack_of_fit
        mean = self.frame["overlap"].mean()
        return f"mean overlap {mean:.2f}; lack of fit: chi-square {statistic:.1f} on {df} df, p {probability(p)}"

    def __repr__(self) -> str:
        head = f"{self.real.model}: {self.real.formula}, real beside synthetic (m = {self.pooled.m})"
        notes = "".join(f"\nNote: {message}." for message in self.messages)
        return f"{head}\n{self.frame.round(4).to_string(index=False)}\n{self._fit()}{notes}"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        body = [
            (
                str(row["term"]),
                *(brief(row[f"{name}_{which}"]) for name in ("estimate", "std_error") for which in _SOURCES),
                *(f"{row[f'conf_low_{which}']:.3g} to {row[f'conf_high_{which}']:.3g}" for which in _SOURCES),
                f"{row['std_difference']:+.2f}",
                f"{row['overlap']:.2f}",
            )
            for _, row in self.frame.iterrows()
        ]
        table = rows(_COMPARED, body, right=range(1, len(_COMPARED)))
        said = [self._fit(), *dict.fromkeys((*self.messages, *self.real.messages, *self.pooled.messages))]
        return fragment("Real beside synthetic", self._facts(), table, notes(said))


def compare(
    real: Data,
    sets: Sequence[Data],
    manifest: Mapping[str, Any],
    model: Model,
    formula: str = "",
    *,
    rule: str = "auto",
    level: float = 0.95,
    **options: Any,
) -> Comparison:
    """The same model on real and synthetic data, compared term by term.

    Parameters
    ----------
    real
        The observed table.
    sets, manifest, model, formula, options
        As in `analyse`.
    rule, level
        As in `Analyses.pool`.

    Raises
    ------
    DataError
        If the real data and the sets have different terms, or one lacks a level on which other terms depend.
    """
    import pandas as pd
    from scipy import stats

    analyses = analyse(sets, manifest, model, formula, **options)
    if isinstance(real, pd.DataFrame):
        _check_columns(real, analyses.columns or (), manifest)
    alone = analyse([real], manifest, model, formula, learned=analyses.learned, **options)[0]
    said = matched(alone, analyses.fits)
    sources = ("the real data", *(f"set {i + 1}" for i in range(len(analyses))))
    (on_real, *made), kept, lost = common((alone, *analyses.fits), sources)
    pooled = replace(analyses, fits=tuple(made)).pool(rule, level=level)
    at = {term: i for i, term in enumerate(on_real.terms)}
    both = [term for term in pooled.terms if term in kept]
    r = [at[term] for term in both]
    s = [pooled.terms.index(term) for term in both]
    estimate, error = on_real.estimates[r], on_real.std_errors[r]
    reach = stats.t.ppf(0.5 + level / 2, on_real.df_resid if on_real.grouped else np.inf) * error
    low, high = estimate - reach, estimate + reach
    shared = np.minimum(high, pooled.conf_high[s]) - np.maximum(low, pooled.conf_low[s])
    difference = pooled.estimate[s] - estimate
    frame = pd.DataFrame(
        {
            "term": both,
            "estimate_real": estimate,
            "estimate_synthetic": pooled.estimate[s],
            "std_error_real": error,
            "std_error_synthetic": pooled.std_error[s],
            "conf_low_real": low,
            "conf_high_real": high,
            "conf_low_synthetic": pooled.conf_low[s],
            "conf_high_synthetic": pooled.conf_high[s],
            "std_difference": difference / error,
            "overlap": (shared / (high - low) + shared / (pooled.conf_high[s] - pooled.conf_low[s])) / 2,
        }
    )
    ratio = float(manifest.get("n") or 1) / float(manifest.get("k") or manifest.get("n") or 1)
    variance = on_real.covariance[np.ix_(r, r)] * ratio / pooled.m
    statistic = float(difference @ np.linalg.solve(variance, difference))
    lack = (statistic, len(both), float(stats.chi2.sf(statistic, len(both))))
    return Comparison(on_real, pooled, frame, lack, (*said, *lost))


def _check_columns(real: pd.DataFrame, used: Sequence[str], manifest: Mapping[str, Any]) -> None:
    """Refuse real data without a column that the model has, and the sets too: its name is no secret."""
    known = [str(name) for name in real.columns]
    sources = {entry["name"]: entry.get("source") for entry in manifest.get("columns", ())}
    for name in used:
        if name not in known and sources.get(name) not in known:
            raise DataError(
                f"The real data have no column {name!r}{nearest(name, known)}", need="the columns of the model"
            )
