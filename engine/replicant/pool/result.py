"""The pooled result: a tidy table with what it rests on, for the notebook, the terminal, LaTeX and CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import SpecError, nearest, some
from replicant.pool.arrays import Array
from replicant.view.figures import brief, degrees, probability

if TYPE_CHECKING:
    import pandas as pd

    from replicant.view.plot import Plot

__all__ = ["COLUMNS", "Pooled"]

COLUMNS = ("term", "estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "ubar", "b", "total")
_SHOWN = COLUMNS[:8]
_HEADS = ("term", "estimate", "std. error", "statistic", "df", "p", "low", "high")


@dataclass(frozen=True, eq=False, repr=False)
class Pooled:
    """One model's estimates, pooled over the sets; arrays are of shape (q,), one entry for each term.

    Attributes
    ----------
    rule
        Name of the combining rule.
    terms
        Names of the terms.
    estimate, std_error
        On the scale of the estimates that were given; after a transformation by the delta method.
    statistic, df, p_value
        t of the hypothesis that the (transformed) estimate is 0, its degrees of freedom, and the two-sided p.
    conf_low, conf_high
        Interval at `level`; after a transformation, that of the transformed estimate taken back.
    ubar, b, total
        Mean variance, variance between sets, and variance of the pooled estimate, on the transformed scale.
    simulation
        The component of `total` that more sets would remove.
    riv, lambda_, fmi, b_within
        As in `Combined`; NaN where the rule has none.
    m, r
        Sets; syntheses of each in nested designs, else 1.
    level
        Confidence level of the intervals.
    transform
        Name of the transformation, or None.
    messages
        What the reader must know.
    why
        Why this rule, where it was chosen from a manifest.
    """

    rule: str
    terms: tuple[str, ...]
    estimate: Array
    std_error: Array
    statistic: Array
    df: Array
    p_value: Array
    conf_low: Array
    conf_high: Array
    ubar: Array
    b: Array
    total: Array
    simulation: Array
    riv: Array
    lambda_: Array
    fmi: Array
    b_within: Array
    m: int
    r: int = 1
    level: float = 0.95
    transform: str | None = None
    messages: tuple[str, ...] = ()
    why: str = ""

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each term: term, estimate, std_error, statistic, df, p_value, conf_low, conf_high, then the
        variance components ubar, b and total."""
        import pandas as pd

        return pd.DataFrame({name: list(self.terms) if name == "term" else getattr(self, name) for name in COLUMNS})

    def __len__(self) -> int:
        return len(self.terms)

    def summary(self) -> str:
        """The table as text, with the rule above and the messages below."""
        rows = [_HEADS, *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
        lines = [
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join([self._head(), *([self.why] if self.why else []), "", *lines, *self._notes()]) + "\n"

    def to_latex(self) -> str:
        """The table as a LaTeX `tabular`."""
        head = " & ".join(_HEADS)
        body = [" & ".join([_latex(row[0]), *(_signed(cell) for cell in row[1:])]) + r" \\" for row in self._rows()]
        note = rf"% {_latex(self._head())}"
        rule = r"\hline"
        return "\n".join(
            [note, r"\begin{tabular}{lrrrrrrr}", rule, head + r" \\", rule, *body, rule, r"\end{tabular}", ""]
        )

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """`frame` as CSV in full precision.

        Parameters
        ----------
        path
            Where it is written; None: nowhere.

        Returns
        -------
        str or None
            The text, if there is no path.
        """
        text: str | None = self.frame.to_csv(path, index=False)
        return text

    def __repr__(self) -> str:
        return self.summary()

    def plot(self, terms: Sequence[str] | None = None) -> Plot:
        """The estimates with their intervals.

        Parameters
        ----------
        terms
            Which; all but the intercept unless given.

        Returns
        -------
        Plot
            A notebook shows it; `.save("estimates.svg")` keeps it.

        Raises
        ------
        SpecError
            For a term that is not there.
        """
        from replicant.table.names import names_of
        from replicant.view.intervals import Interval, intervals
        from replicant.view.plot import Plot

        terms = None if terms is None else names_of(terms)
        for term in terms or ():
            if term not in self.terms:
                raise SpecError(
                    f"{term!r} is not a term{nearest(term, self.terms)}",
                    need=f"terms of the pooled model: {some(self.terms)}",
                )
        at = [self.terms.index(term) for term in terms or self._slopes()]
        own = [Interval(*(float(one[i]) for one in (self.estimate, self.conf_low, self.conf_high))) for i in at]
        drawn = intervals("Pooled estimates", "estimate", [self.terms[i] for i in at], {"synthetic": own})
        return Plot(self._title(), self._facts(), [drawn])

    def _slopes(self) -> list[str]:
        """The terms without the intercept, whose size says little beside theirs; with it, if it stands alone."""
        return [term for term in self.terms if term != "(Intercept)"] or list(self.terms)

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        table = rows(_HEADS, self._rows(), right=range(1, len(_HEADS)))
        return fragment(self._title(), self._facts(), table, notes([*([self.why] if self.why else []), *self.messages]))

    def _title(self) -> str:
        return f"Pooled by {self.rule}"

    def _facts(self) -> str:
        sets = f"m = {self.m}" + (f", r = {self.r}" if self.r > 1 else "")
        scale = f", {self.transform} scale" if self.transform else ""
        return f"{sets}, {100 * self.level:g} % intervals{scale}"

    def _head(self) -> str:
        return f"{self._title()}, {self._facts()}"

    def _notes(self) -> list[str]:
        return ["", *(f"Note: {message}." for message in self.messages)] if self.messages else []

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                term,
                *(brief(float(getattr(self, name)[i])) for name in ("estimate", "std_error")),
                "" if np.isnan(self.statistic[i]) else f"{self.statistic[i]:.3f}",
                degrees(self.df[i]),
                "" if np.isnan(self.p_value[i]) else probability(self.p_value[i]),
                *(brief(float(getattr(self, name)[i])) for name in ("conf_low", "conf_high")),
            )
            for i, term in enumerate(self.terms)
        ]


def _latex(text: str) -> str:
    signs = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
    signs |= {sign: rf"\{sign}" for sign in "&%$#_{}"}
    return "".join(signs.get(sign, sign) for sign in text)


def _signed(cell: str) -> str:
    return f"${cell}$" if cell[:1] in "-<" else cell.replace("inf", r"$\infty$")
