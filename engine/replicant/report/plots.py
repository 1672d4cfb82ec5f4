"""Plots of a summary: how columns are distributed, real beside synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicant.errors import SpecError, nearest
from replicant.report.words import sentence
from replicant.view import svg
from replicant.view.figures import axis, share
from replicant.view.markup import wrap
from replicant.view.plot import Picture, Plot
from replicant.view.svg import EDGE, Scale, coordinate, line, text

__all__ = ["distributions", "headed", "levels_picture"]

WIDTH = 460
RIGHT = WIDTH - EDGE
TOP, FLOOR, LEFT = 40, 190, 44  # of a histogram
LABEL, ROW = 150, 22  # of a level
MOST = 12  # columns in one plot
WORDS = ("real", "synthetic")


def distributions(summary: dict[str, Any], names: Sequence[str] = ()) -> Plot:
    """Draw some columns of a summary.

    Parameters
    ----------
    summary
        From `summarise`.
    names
        Which columns, at most twelve; without any, the first twelve.

    Raises
    ------
    SpecError
        For a name that is not a column's, or too many of them.
    """
    columns = {column["name"]: column for column in summary["columns"]}
    for name in names:
        if name not in columns:
            raise SpecError(
                f"the plot names {name!r}, which is not a column{nearest(name, columns)}",
                need=f"one of the {len(columns)} columns",
            )
    if len(names) > MOST:
        raise SpecError(
            f"the plot would have {len(names)} columns", need=f"at most {MOST} at a time", fix="make two plots"
        )
    shown = [columns[name] for name in names or list(columns)[:MOST]]
    m, paired = summary["m"], summary["n"] is not None
    sets = f"{m} synthetic set{'s' if m != 1 else ''} of {summary['k']:,} rows"
    note = f"Filled: {'the mean of ' if m > 1 else ''}{sets}."
    if m > 1 and any(column["type"] == "categorical" for column in shown):
        note += " The fine line at the end of a bar reaches from the lowest set to the highest."
    if paired:
        note += f" Outlined: the {summary['n']:,} real rows."
    title = "Real beside synthetic" if paired else "Synthetic data"
    return Plot(title, note, [_picture(column) for column in shown])


def _picture(column: dict[str, Any]) -> Picture:
    numeric = column["type"] == "numeric"
    if not (column["edges"] if numeric else column["levels"]):
        body = [text(0, 34, "no values")]
        return headed(column["name"], f"{column['name']}: no values.", 44, body, paired=column["real"] is not None)
    return _histogram(column) if numeric else levels_picture(column)


def headed(
    name: str,
    description: str,
    height: float,
    body: Sequence[str],
    *,
    paired: bool,
    words: tuple[str, str] = WORDS,
) -> Picture:
    """A picture under its name, which takes as many lines as it needs beside the key.

    Parameters
    ----------
    name, description
        Of the picture.
    height, body
        Below the first line of the name.
    paired
        Whether there are real rows beside the synthetic ones.
    words
        What the two are called.
    """
    lines = wrap(name, (WIDTH - 170) * 11 / 13)
    heading = "".join(text(0, 13 + 16 * i, one, kind="title") for i, one in enumerate(lines))
    down = 16.0 * (len(lines) - 1)
    drawn = f'<g transform="translate(0 {coordinate(down)})">{"".join(body)}</g>' if down else "".join(body)
    return Picture(name, description, WIDTH, height + down, heading + _key(paired, words) + drawn)


def _key(paired: bool, words: tuple[str, str]) -> str:
    apart = 54 if words == WORDS else 78
    x = WIDTH - 86 - apart
    filled = f'<g class="synthetic"><rect class="bar" x="{x + apart}" y="3" width="12" height="11" rx="2"/></g>'
    key = filled + text(x + apart + 17, 13, words[1])
    if not paired:
        return key
    outline = f'<path class="outline" d="M{x} 14V9H{x + 6}V4H{x + 12}V14"/>'
    return f'<g class="real">{outline}</g>{text(x + 17, 13, words[0])}{key}'


def _histogram(column: dict[str, Any]) -> Picture:
    edges, real, synthetic = column["edges"], column["real"], column["synthetic"]
    drawn = _parts(synthetic["counts"])
    observed = _parts(real["counts"]) if real else []
    height = Scale(0.0, 1.05 * (max([*drawn, *observed]) or 1.0), FLOOR, TOP)
    across = Scale(edges[0], edges[-1], LEFT, RIGHT)
    body = []
    for value, label in svg.ticks(height.low, 100 * height.high):
        y = height(value / 100)
        body += [line(LEFT, y, RIGHT, y, "grid"), text(LEFT - 6, y + 4, f"{label} %", anchor="end")]
    ends = [across(edge) for edge in edges]
    bars = "".join(
        f'<rect class="bar" x="{coordinate(ends[i] + 0.5)}" y="{coordinate(height(part))}" '
        f'width="{coordinate(max(ends[i + 1] - ends[i] - 1, 0.5))}" height="{coordinate(FLOOR - height(part))}"/>'
        for i, part in enumerate(drawn)
        if part
    )
    body.append(f'<g class="synthetic">{bars}</g>')
    if observed:
        outline = svg.steps([FLOOR - height(part) for part in observed], ends, FLOOR)
        body.append(f'<g class="real"><path class="outline" d="{outline}"/></g>')
    low, high = axis(column)
    if column["kind"] == "date" or any(column["tails"]):
        body += [text(LEFT, FLOOR + 14, low), text(RIGHT, FLOOR + 14, high, anchor="end")]
    else:
        body += [
            text(across(value), FLOOR + 14, label, anchor="middle")
            for value, label in svg.ticks(edges[0], edges[-1], 6)
        ]
    words = sentence(column)
    body.append(text(LEFT, FLOOR + 32, _figures(words, column)))
    return headed(column["name"], words, FLOOR + 38, body, paired=bool(observed))


def _figures(words: str, column: dict[str, Any]) -> str:
    """The sentence without the name, which stands in the heading, and with the share of missing cells."""
    figures = words.removeprefix(f"{column['name']}: ").rstrip(".")
    shares = [share(figures["missing"]) for figures in (column["real"], column["synthetic"]) if figures]
    missing = any(figures["missing"] for figures in (column["real"], column["synthetic"]) if figures)
    return f"{figures}; missing {', '.join(shares)}" if missing else figures


def levels_picture(column: dict[str, Any], words: tuple[str, str] = WORDS) -> Picture:
    """The shares of the levels of a categorical column.

    Parameters
    ----------
    column
        An entry of a summary (see `summarise`).
    words
        What the two kinds of cells are called, the outlined and the filled ones.
    """
    real, synthetic = column["real"], column["synthetic"]
    labels = [*column["levels"], *([f"{column['pooled']:,} more levels"] if column["pooled"] else [])]
    each = [one["shares"] for one in synthetic["each"]]
    longest = max([*synthetic["shares"], *(real["shares"] if real else []), *(max(one) for one in each), 1e-12])
    # Space at the right for a figure.
    scale = Scale(0.0, longest, LABEL, RIGHT - 44)
    rows, floor = svg.rows(labels, LABEL - 10, ROW, TOP - 12)
    body, said = [row.label for row in rows], []
    for i, (label, row) in enumerate(zip(labels, rows, strict=True)):
        y, part = row.middle - ROW / 2, synthetic["shares"][i]
        top = coordinate(y + 4)
        body.append(
            f'<rect class="lane" x="{LABEL}" y="{top}" width="{coordinate(scale.end - LABEL)}" height="14" rx="2"/>'
        )
        ends = [scale(one[i]) for one in each]
        spread = line(min(ends), y + 11, max(ends), y + 11, "thin") if len(ends) > 1 else ""
        body.append(
            f'<g class="synthetic"><rect class="bar" x="{LABEL}" y="{top}" '
            f'width="{coordinate(scale(part) - LABEL)}" height="14" rx="2"/>{spread}</g>'
        )
        shares = f"{words[1]} {share(part)}"
        if real:
            x = scale(real["shares"][i])
            body.append(f'<g class="real">{line(x, y + 2, x, y + 20, "outline")}</g>')
            shares = f"{words[0]} {share(real['shares'][i])}, {shares}"
        body.append(text(WIDTH, y + 15, share(part), anchor="end"))
        said.append(f"{label}: {shares}")
    if missing := _figures("", column):
        body.append(text(LABEL, floor + 18, missing.removeprefix("; ")))
        floor += 18
    return headed(column["name"], "; ".join(said) + ".", floor + 6, body, paired=real is not None, words=words)


def _parts(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
