"""The summary as one fragment of HTML: inline SVG and a scoped style, no script, nothing to fetch.

It reads in light and dark, in a notebook or in a page. Each picture has a title and a description, and its figures
stand beside it as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from replicant.report.words import paired_words, sentence
from replicant.view import svg
from replicant.view.figures import axis, share, sized
from replicant.view.svg import coordinate, line, picture
from replicant.view.templates import render as fill

__all__ = ["render"]

WIDTH, FLOOR = 260, 58  # of a histogram, in SVG units


@dataclass(frozen=True)
class Level:
    """A level's shares as text, and as parts of the longest bar."""

    name: str
    shares: Sequence[str]
    bar: str
    real: str


@dataclass(frozen=True)
class Card:
    """A column: its picture or its levels, and a small table of figures.

    Attributes
    ----------
    name, kind, sentence
        Of the column.
    histogram, ends
        Of numbers, with what stands below its two ends.
    levels
        Of categories.
    figures
        Rows of a name and one figure for each of the real and the synthetic data.
    """

    name: str
    kind: str
    sentence: str
    histogram: Markup | None
    ends: tuple[str, str]
    levels: Sequence[Level]
    figures: Sequence[Sequence[str]]


def render(summary: dict[str, Any], *parts: str) -> str:
    """A fragment to show in a notebook or on a page.

    Parameters
    ----------
    summary
        From `summarise`.
    parts
        HTML from other fragments, to stand below.

    Returns
    -------
    str
        One `<section>`; all text from the data is escaped.
    """
    paired = summary["n"] is not None
    m = summary["m"]
    one, other = paired_words(summary)
    sets = f"{m} {other} set{'s' if m != 1 else ''} of {summary['k']:,} rows"
    facts = f"{len(summary['columns'])} columns, " + (f"{summary['n']:,} {one} rows, {sets}" if paired else sets)
    title = f"{one.capitalize()} beside {other}" if paired else f"{other.capitalize()} data"
    cards = [_card(column) for column in summary["columns"]]
    words = {"real": one, "sets": other}
    return fill("report/summary.html", title=title, facts=facts, paired=paired, cards=cards, parts=parts, **words)


def _card(column: dict[str, Any]) -> Card:
    numeric = column["type"] == "numeric"
    filled = bool(column["edges"]) if numeric else False
    own = [figures for figures in (column["real"], column["synthetic"]) if figures]
    rows: list[list[str]] = []
    for key in ("mean", "sd") if filled else ():
        rows.append([key, *map(sized(column, key), own)])
    if any(figures["missing"] for figures in own):
        rows.append(["missing", *(share(figures["missing"]) for figures in own)])
    return Card(
        name=column["name"],
        kind=column["kind"],
        sentence=sentence(column),
        histogram=_histogram(column) if filled else None,
        ends=axis(column) if filled else ("", ""),
        levels=() if numeric else _levels(column),
        figures=rows,
    )


def _histogram(column: dict[str, Any]) -> Markup:
    # Each as shares of its own rows: the sets may have another number of rows than the real table.
    drawn = _shares(column["synthetic"]["counts"])
    outline = _shares(column["real"]["counts"]) if column["real"] else []
    tall = (FLOOR - 2) / max([*drawn, *outline, 1e-12])
    step = WIDTH / len(drawn)
    gap = min(1.0, step * 0.12)
    body = "".join(
        f'<rect class="syn" x="{coordinate(i * step + gap / 2)}" y="{FLOOR - part * tall:.1f}" '
        f'width="{step - gap:.1f}" height="{part * tall:.1f}"/>'
        for i, part in enumerate(drawn)
        if part
    )
    body += line(0, FLOOR, WIDTH, FLOOR, "base")
    if outline:
        edges = [i * step for i in range(len(outline) + 1)]
        body += f'<path class="observed" d="{svg.steps([part * tall for part in outline], edges, FLOOR)}"/>'
    return picture(WIDTH, FLOOR + 1, f"{column['name']}: histogram", sentence(column), body)


def _levels(column: dict[str, Any]) -> list[Level]:
    synthetic = column["synthetic"]["shares"]
    real = column["real"]["shares"] if column["real"] else []
    labels = [*column["levels"], *([f"{column['pooled']:,} more levels"] if column["pooled"] else [])]
    longest = max([*synthetic, *real, 1e-12])
    return [
        Level(
            name,
            [share(of[i]) for of in (real, synthetic) if of],
            f"{100 * synthetic[i] / longest:.1f}%",
            f"{100 * real[i] / longest:.1f}%" if real else "",
        )
        for i, name in enumerate(labels)
    ]


def _shares(counts: list[float]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
