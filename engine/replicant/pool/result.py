"""The pooled result: a tidy table with what it rests on, for the notebook, the terminal, LaTeX and CSV."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.pool.arrays import Array

if TYPE_CHECKING:
    import pandas as pd

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
        The part of `total` that more sets would take away.
    riv, lambda_, fmi, b_within
        As in `Combined`; NaN where the rule has none.
    m, r
        Sets; syntheses of each in nested designs, else 1.
    level
        Of the intervals.
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
        variance parts ubar, b and total."""
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
        """`frame` as CSV in full precision: written to `path`, or returned."""
        text: str | None = self.frame.to_csv(path, index=False)
        return text

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:{'left' if i == 0 else 'right'}'>{w}</th>" for i, w in enumerate(_HEADS))
        rows = "".join(
            "<tr>"
            + f"<th style='text-align:left'>{html.escape(row[0])}</th>"
            + "".join(f"<td style='text-align:right'>{html.escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self._rows()
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in (*([self.why] if self.why else []), *self.messages))
        return (
            f"<div><p>{html.escape(self._head())}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>{notes}</div>"
        )

    def _head(self) -> str:
        sets = f"m = {self.m}" + (f", r = {self.r}" if self.r > 1 else "")
        scale = f", {self.transform} scale" if self.transform else ""
        return f"Pooled by {self.rule}, {sets}, {100 * self.level:g} % intervals{scale}"

    def _notes(self) -> list[str]:
        return ["", *(f"Note: {message}." for message in self.messages)] if self.messages else []

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                term,
                *(_digits(getattr(self, name)[i]) for name in ("estimate", "std_error")),
                f"{self.statistic[i]:.3f}",
                _df(self.df[i]),
                _p(self.p_value[i]),
                *(_digits(getattr(self, name)[i]) for name in ("conf_low", "conf_high")),
            )
            for i, term in enumerate(self.terms)
        ]


def _digits(value: Any) -> str:
    return f"{float(value):.4g}" if abs(float(value)) < 1000 or not np.isfinite(value) else f"{float(value):.1f}"


def _df(value: float) -> str:
    return "inf" if np.isinf(value) else f"{value:.1f}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _latex(text: str) -> str:
    signs = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}"}
    signs |= {sign: rf"\{sign}" for sign in "&%$#_{}"}
    return "".join(signs.get(sign, sign) for sign in text)


def _signed(cell: str) -> str:
    return f"${cell}$" if cell[:1] in "-<" else cell.replace("inf", r"$\infty$")
