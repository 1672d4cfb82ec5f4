"""A comparison of two releases as one page of HTML: made of the releases alone, and as sharable as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.drift_rows import headline
from replicant.report.drift_tables import comparison
from replicant.report.page import whole
from replicant.view.markup import escape

__all__ = ["READING", "render"]

READING = (
    "<p>Both releases are synthetic, and so is what is said here: nothing else was read. <em>Difference</em> is the "
    "later minus the earlier one, with its standard error over the pairs of sets (Raab, Nowok and Dibben 2016), as if "
    "the two real tables were independent samples; the <em>pMSE ratio</em> is how well a logistic model tells the rows "
    "of one from those of the other, 1 being what it would be on average without a change. "
    '<b class="off">●</b> marks a column whose p, adjusted for the number of columns (Holm 1979), is below 0.05, or '
    "whose type changed.</p>"
)


def render(found: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    found
        From `Drift.as_dict`.
    """
    title = f"Drift from {found['a']} to {found['b']}"
    rows = " and ".join(f"{count:,}" for count in found["rows"])
    sets = f"{found['m']} pair{'s' if found['m'] != 1 else ''} of sets of {rows} rows"
    return whole(
        title,
        f"<header><h1>{escape(title)}</h1><p>{sets}. {escape(headline(found))}.</p></header>"
        f"<main>{comparison(found, 'd')}<section><h2>How to read this</h2>{READING}</section></main><footer></footer>",
    )
