"""Pictures of an evaluation, drawn from its document: from its rounded aggregates, and from its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from replicant.errors import SpecError, nearest
from replicant.report.evaluation_maps import associations, pairs
from replicant.report.evaluation_risks import attacks, by_record, by_size
from replicant.report.evaluation_shapes import as_close, marginals, scores
from replicant.view.plot import Picture, Plot

__all__ = ["pictured", "plot"]

Document: TypeAlias = Mapping[str, Any]

MOST = 12
"""Columns whose marginals are drawn at once."""


@dataclass(frozen=True)
class _Kind:
    """A kind of picture.

    Attributes
    ----------
    title, caption
        What it is, and how it is read.
    draw
        Makes the pictures of a document; none where it has not what they need.
    """

    title: str
    caption: str
    draw: Callable[[Document], Sequence[Picture]]


_KINDS = {
    "marginals": _Kind(
        "Real and synthetic columns",
        "Filled: the synthetic rows, the mean over the sets. Lines: the real ones. Shaded: where 95 % of the bars of a "
        "second real sample lie. Bins end at round numbers, the outer ones hold the tails; rare levels are counted "
        "together. Columns that differ most come first.",
        lambda found: marginals(found, (), MOST),
    ),
    "associations": _Kind(
        "Associations of columns",
        "Correlations of numbers, correlation ratios of a level and a number, Cramér's V of two levels: real, "
        "synthetic, and synthetic less real, whose scale is its own. Orange is above 0, blue below. Where the last map "
        "has no colour, the sets keep the associations.",
        associations,
    ),
    "pairs": _Kind(
        "Tables of two columns",
        "S_pMSE of the table of each pair of columns: the stronger the colour, the farther it is above the baseline. "
        "A whole row with colour is a column whose relations with all others are lost. A dot marks flagged pairs.",
        pairs,
    ),
    "propensity": _Kind(
        "Propensity scores",
        "How likely a logistic model takes each row for synthetic. Where real (line) and synthetic rows (filled) "
        "cannot be told apart, both heap up at the dashed line, which is the share of synthetic rows.",
        scores,
    ),
    "ladder": _Kind(
        "The ladder of the k-marginal score",
        "The line is the score that random subsamples of the real rows have beside all of them. The sets are as close "
        "as the subsample whose score they have; a second real sample of the same size is as close as a third of the "
        "rows.",
        as_close,
    ),
    "risk": _Kind(
        "Risk by record",
        "The probability that somebody who knows the keys of a real record finds it, the records at greatest risk "
        "first. Dashed: what other real rows would show. The sets give away what lies above it.",
        by_record,
    ),
    "uniqueness": _Kind(
        "Risk and uniqueness",
        "Real records by how many share their keys: bars are the records, squares their mean risk, and circles what "
        "other real rows would show. What the sets have of unique records (1) is what matters most.",
        by_size,
    ),
    "attacks": _Kind(
        "What is found beside what is expected",
        "Shares that are found (squares) and those of the baseline (circles), with their 95 % intervals, flagged ones "
        "first. A square to the right of its circle is what the release gave away.",
        attacks,
    ),
}


def pictured(found: Document) -> dict[str, Plot]:
    """All pictures that can be drawn, by their names.

    Parameters
    ----------
    found
        From `Evaluation.as_dict`.
    """
    drawn = {name: kind.draw(found) for name, kind in _KINDS.items()}
    return {name: Plot(_KINDS[name].title, _KINDS[name].caption, own) for name, own in drawn.items() if own}


def plot(found: Document, what: str = "", columns: Sequence[str] = ()) -> Plot:
    """One kind of picture; see `Evaluation.plot`."""
    every = pictured(found)
    if what and what not in every:
        known = [name for name in _KINDS if name in every]
        raise SpecError(
            f"there is no picture {what!r}{nearest(what, known)}",
            need=f"one of {', '.join(known)}" if known else "an evaluation with pictures",
        )
    if not every:
        raise SpecError("there is nothing to draw", need="figures that have a baseline")
    name = what or next(iter(every))
    if not columns:
        return every[name]
    if name != "marginals":
        raise SpecError(f"{name!r} is a picture of all columns", fix="leave the columns out, or draw 'marginals'")
    known = found["pictures"]["columns"]
    for column in columns:
        if column not in known:
            raise SpecError(
                f"the plot names {column!r}, which is not a column{nearest(column, known)}",
                need=f"one of the {len(known)} columns that have a picture",
            )
    if len(columns) > MOST:
        raise SpecError(f"the plot would have {len(columns)} columns", need=f"at most {MOST} at a time", fix="make two")
    return Plot(_KINDS[name].title, _KINDS[name].caption, marginals(found, columns, MOST))
