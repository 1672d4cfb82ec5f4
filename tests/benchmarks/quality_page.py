"""Medians over splits, as text and as a page with a plane of utility and disclosure for each table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from replicant.view.fragment import folded, fragment, notes, rows
from replicant.view.plot import Picture, Plot
from replicant.view.svg import EDGE, LETTER, Scale, floor_axis, line, mark, text, ticks
from replicant.view.templates import environment

__all__ = ["MEASURES", "medians", "page", "written"]

MEASURES = (
    *("uni_mean", "assoc_mean", "two_mean", "coef_z_rms", "pmse_ratio", "auc", "tstr"),
    *("row_unique", "row_unique_hold", "nn_train", "mia_auc"),
    *("aia_qi_train", "aia_qi_hold", "aia_all_train", "aia_all_hold"),
    *("interaction", "xor", "levels_sd", "seconds"),
)
SHOWN = ("two_mean", "coef_z_rms", "auc", "tstr", "row_unique", "nn_train", "mia_auc", "aia_all_train", "aia_all_hold")
TRAPS = ("interaction", "xor", "levels_sd")
LANDMARKS = ("fresh half", "bootstrap")
OURS_BEFORE = ("replicant", "prototype", "hold", "bootstrap")  # engines of the stored file that are not others' tools

WIDTH, HEIGHT = 560.0, 380.0
LEFT, TOP, FLOOR = 54.0, 30.0, 330.0
NEAR = 4.5  # half the space that a mark takes


@dataclass(frozen=True)
class Tool:
    """A point of the plane: what it is called, whose it is, and where it lies."""

    name: str
    group: str
    x: float
    y: float


MARKS = {"landmark": ("real", "circle"), "ours": ("synthetic", "square"), "other": ("other", "triangle")}


def medians(measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each table and variant: the median over splits of every measure, and its standard deviation."""
    names = [name for name in MEASURES if name in measured]
    splits = measured.groupby(["table", "variant", "split"], sort=False)[names].mean()
    grouped = splits.groupby(["table", "variant"], sort=False)
    middle, spread, count = grouped.median(), grouped.std(), grouped.size()
    result = pd.DataFrame({"splits": count})
    for name in names:
        result[name], result[f"{name}_sd"] = middle[name], spread[name]
    return result.reset_index()


def written(found: pd.DataFrame, peers: pd.DataFrame) -> str:
    """The medians and the stored figures of other tools as lines of text."""
    lines = []
    for table, own in found.groupby("table", sort=False):
        shown = columns(own)
        lines += ["", f"{table}, {int(own['splits'].max())} splits: median (standard deviation)"]
        lines.append(f"{'':26}" + "".join(f"{name:>17}" for name in shown))
        for name, figures in cells(own, peers[peers["dataset"] == table], shown):
            lines.append(f"{name:26}" + "".join(f"{figure:>17}" for figure in figures))
    return "\n".join(lines)


def page(found: pd.DataFrame, peers: pd.DataFrame) -> str:
    """The page: a plane and a table of figures for each table."""
    pictures, tables = [], []
    for table, own in found.groupby("table", sort=False):
        others = peers[peers["dataset"] == table]
        pictures.append(plane(str(table), [*ours(own), *theirs(others)]))
        shown = columns(own)
        head, right = ["", *shown], range(1, len(shown) + 1)
        body = [[name, *figures] for name, figures in cells(own, others, shown)]
        tables.append(folded(str(table), rows(head, body, right=right), unfolded=True))
    note = "Each tool by how well its rows are told from real ones and by how well they tell who was in the data"
    plot = Plot("Utility and disclosure", note, pictures)
    explained = notes(
        [
            "Squares are ours, triangles other tools, circles the landmarks.",
            "Vertical: area under the curve of boosting that tells synthetic rows from those of the holdout half.",
            "Horizontal: area under the curve of membership inference by the distance to the nearest synthetic row.",
            "Both are 0.5 for a fresh half of the data: down and to the left is better.",
            "Marks at an edge lie beyond it, where their figures say. Our own: medians over splits, one set each.",
            "Other tools: stored figures of split 0, with another boosting; differences below 0.015 are noise.",
        ]
    )
    figures = fragment("Figures", "Median over splits (standard deviation)", explained, *tables)
    style = ".other{--c:var(--teal)}"
    source = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Quality of synthesis</title>'
        "<style>{{ style }}</style></head><body>{{ plot }}{{ figures }}</body></html>"
    )
    template = environment().from_string(source)
    return template.render(style=Markup(style), plot=Markup(plot._repr_html_()), figures=Markup(figures))


def columns(own: pd.DataFrame) -> list[str]:
    """Measures that are shown of a table."""
    return [*SHOWN, *(name for name in TRAPS if own[name].notna().any()), "seconds"]


def cells(own: pd.DataFrame, others: pd.DataFrame, shown: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Names and figures, our own first."""
    for row in own.to_dict("records"):
        yield row["variant"], [figure(row[name], row[f"{name}_sd"]) for name in shown]
    for row in others.to_dict("records"):
        if not row["engine"].startswith("prototype"):
            yield f"{row['engine']} (stored)", [figure(row.get(name, math.nan)) for name in shown]


def figure(value: float, spread: float = math.nan) -> str:
    """A figure with its spread in brackets."""
    if math.isnan(value):
        return ""
    return f"{value:.3f}" + ("" if math.isnan(spread) else f" ({spread:.3f})")


def ours(own: pd.DataFrame) -> Iterable[Tool]:
    """The landmarks and our variants."""
    for row in own.to_dict("records"):
        group = "landmark" if row["variant"] in LANDMARKS else "ours"
        yield Tool(row["variant"], group, row["mia_auc"], row["auc"])


def theirs(others: pd.DataFrame) -> Iterable[Tool]:
    """The other tools."""
    for row in others.to_dict("records"):
        if not row["engine"].startswith(OURS_BEFORE):
            yield Tool(row["engine"].replace("_", " "), "other", row["mia_auc"], row["auc"])


def plane(title: str, tools: Sequence[Tool]) -> Picture:
    """The plane of one table; what lies far out is drawn at its edge."""
    near = [tool for tool in tools if tool.group == "ours"] or tools
    x = Scale(0.48, max(0.6, *(tool.x + 0.02 for tool in near)), LEFT, WIDTH - EDGE)
    y = Scale(0.48, max(0.68, *(tool.y + 0.03 for tool in near)), FLOOR, TOP)
    body = [text(0, 13, title, kind="title"), floor_axis(x, FLOOR, TOP)]
    for value, label in ticks(y.low, y.high):
        body += [
            line(LEFT, y(value), WIDTH - EDGE, y(value), "grid"),
            text(LEFT - 6, y(value) + 4, label, anchor="end"),
        ]
    body += [line(x(0.5), TOP, x(0.5), FLOOR, "truth"), line(LEFT, y(0.5), WIDTH - EDGE, y(0.5), "truth")]
    body.append(text((LEFT + WIDTH - EDGE) / 2, FLOOR + 30, "membership inference, AUC", anchor="middle"))
    body.append(text(11, (TOP + FLOOR) / 2, "told from real rows, AUC", anchor="middle", turn=-90))
    taken = [(x(tool.x) - NEAR, y(tool.y) - NEAR, x(tool.x) + NEAR, y(tool.y) + NEAR) for tool in tools]
    for tool in tools:
        style, shape = MARKS[tool.group]
        at = x(tool.x), y(tool.y)
        name = tool.name if tool.x <= x.high and tool.y <= y.high else f"{tool.name} ({tool.x:.2f}, {tool.y:.2f})"
        body.append(f'<g class="{style}">{mark(shape, *at, 4)}</g>{_label(name, *at, taken)}')
    words = "; ".join(f"{tool.name}: told apart {tool.y:.3f}, membership {tool.x:.3f}" for tool in tools)
    return Picture(title, f"{words}.", WIDTH, HEIGHT, "".join(body))


def _label(name: str, x: float, y: float, taken: list[tuple[float, float, float, float]]) -> str:
    """The name beside its mark, where there is space for it; the figures below the planes name every mark."""
    width = len(name) * LETTER
    for step in (0.0, 11.0, -11.0, 22.0, -22.0, 33.0, -33.0):
        for anchor, left in (("start", x + 8), ("end", x - 8 - width), ("middle", x - width / 2)):
            if anchor == "middle" and not step:
                continue
            box = (left, y + step - 6, left + width, y + step + 5)
            inside = box[0] >= LEFT + 2 and box[2] <= WIDTH and box[1] >= TOP - 12 and box[3] <= FLOOR
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                return text(left, y + step + 4, name, kind="name")
    return ""


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
