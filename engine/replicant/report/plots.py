"""Plots of a summary: how columns are distributed, real beside synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicant.errors import SpecError, nearest
from replicant.report.words import told
from replicant.view import svg
from replicant.view.figures import axis, share
from replicant.view.markup import shorten
from replicant.view.plot import Picture, Plot
from replicant.view.svg import EDGE, Scale, coordinate, line, text

__all__ = ["distributions"]

WIDTH = 460
RIGHT = WIDTH - EDGE
TOP, FLOOR, LEFT = 40, 190, 44  # of a histogram
LABEL, ROW = 150, 22  # of a level
MOST = 12  # columns in one plot


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
                f"a plot of {name!r}, which is not a column{nearest(name, columns)}",
                need=f"one of the {len(columns)} columns",
            )
    if len(names) > MOST:
        raise SpecError(f"a plot of {len(names)} columns", need=f"at most {MOST} at a time", fix="make two of it")
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
        empty = text(0, 13, column["name"], kind="title") + text(0, 34, "no values")
        return Picture(column["name"], f"{column['name']}: no values.", WIDTH, 44, empty)
    return _histogram(column) if numeric else _levels(column)


def _heading(column: dict[str, Any]) -> str:
    name = text(0, 13, shorten(column["name"], WIDTH - 170), kind="title")
    x = WIDTH - 140
    filled = f'<g class="synthetic"><rect class="bar" x="{x + 54}" y="3" width="12" height="11" rx="2"/></g>'
    key = filled + text(x + 71, 13, "synthetic")
    if column["real"] is not None:
        outline = f'<path class="outline" d="M{x} 14V9H{x + 6}V4H{x + 12}V14"/>'
        key = f'<g class="real">{outline}</g>{text(x + 17, 13, "real")}{key}'
    return name + key


def _histogram(column: dict[str, Any]) -> Picture:
    edges, real, synthetic = column["edges"], column["real"], column["synthetic"]
    drawn = _parts(synthetic["counts"])
    observed = _parts(real["counts"]) if real else []
    height = Scale(0.0, 1.05 * (max([*drawn, *observed]) or 1.0), FLOOR, TOP)
    across = Scale(edges[0], edges[-1], LEFT, RIGHT)
    body = [_heading(column)]
    for value, label in svg.ticks(height.low, 100 * height.high):
        y = height(value / 100)
        body += [line(LEFT, y, RIGHT, y, "grid"), text(LEFT - 6, y + 4, f"{label} %", anchor="end")]
    places = [across(edge) for edge in edges]
    bars = "".join(
        f'<rect class="bar" x="{coordinate(places[i] + 0.5)}" y="{coordinate(height(part))}" '
        f'width="{coordinate(max(places[i + 1] - places[i] - 1, 0.5))}" height="{coordinate(FLOOR - height(part))}"/>'
        for i, part in enumerate(drawn)
        if part
    )
    body.append(f'<g class="synthetic">{bars}</g>')
    if observed:
        outline = svg.steps([FLOOR - height(part) for part in observed], places, FLOOR)
        body.append(f'<g class="real"><path class="outline" d="{outline}"/></g>')
    low, high = axis(column)
    if column["kind"] == "date" or any(column["tails"]):
        body += [text(LEFT, FLOOR + 14, low), text(RIGHT, FLOOR + 14, high, anchor="end")]
    else:
        body += [
            text(across(value), FLOOR + 14, label, anchor="middle")
            for value, label in svg.ticks(edges[0], edges[-1], 6)
        ]
    words = told(column)
    body.append(text(LEFT, FLOOR + 32, _figures(words, column)))
    return Picture(column["name"], words, WIDTH, FLOOR + 38, "".join(body))


def _figures(words: str, column: dict[str, Any]) -> str:
    """The sentence without the name, which stands in the heading, and with the share of missing cells."""
    said = words.removeprefix(f"{column['name']}: ").rstrip(".")
    shares = [share(side["missing"]) for side in (column["real"], column["synthetic"]) if side]
    missing = any(side["missing"] for side in (column["real"], column["synthetic"]) if side)
    return f"{said}; missing {', '.join(shares)}" if missing else said


def _levels(column: dict[str, Any]) -> Picture:
    real, synthetic = column["real"], column["synthetic"]
    labels = [*column["levels"], *([f"{column['pooled']:,} more levels"] if column["pooled"] else [])]
    each = [one["shares"] for one in synthetic["each"]]
    longest = max([*synthetic["shares"], *(real["shares"] if real else []), *(max(one) for one in each), 1e-12])
    # Room at the right for a figure.
    scale = Scale(0.0, longest, LABEL, RIGHT - 44)
    body, words = [_heading(column)], []
    for i, label in enumerate(labels):
        y, part = TOP - 12 + ROW * i, synthetic["shares"][i]
        body.append(text(0, y + 15, shorten(label, LABEL - 10), kind="name"))
        body.append(
            f'<rect class="lane" x="{LABEL}" y="{y + 4}" width="{coordinate(scale.end - LABEL)}" height="14" rx="2"/>'
        )
        ends = [scale(one[i]) for one in each]
        spread = line(min(ends), y + 11, max(ends), y + 11, "thin") if len(ends) > 1 else ""
        body.append(
            f'<g class="synthetic"><rect class="bar" x="{LABEL}" y="{y + 4}" '
            f'width="{coordinate(scale(part) - LABEL)}" height="14" rx="2"/>{spread}</g>'
        )
        said = f"synthetic {share(part)}"
        if real:
            x = scale(real["shares"][i])
            body.append(f'<g class="real">{line(x, y + 2, x, y + 20, "outline")}</g>')
            said = f"real {share(real['shares'][i])}, {said}"
        body.append(text(WIDTH, y + 15, share(part), anchor="end"))
        words.append(f"{label}: {said}")
    height = TOP - 6 + ROW * len(labels)
    if missing := _figures("", column):
        body.append(text(LABEL, height + 12, missing.removeprefix("; ")))
        height += 18
    return Picture(column["name"], "; ".join(words) + ".", WIDTH, height, "".join(body))


def _parts(counts: Sequence[float]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
