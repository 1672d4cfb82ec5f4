"""Medians over splits, as text and as a page with a plane of utility and disclosure for each table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
from markupsafe import Markup

from replicant.report.plane import Axis, Kind, Point, plane
from replicant.view.fragment import folded, fragment, notes, rows
from replicant.view.plot import Picture, Plot
from replicant.view.templates import environment

__all__ = ["MEASURES", "drawn", "medians", "page", "written"]

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
        pictures.append(drawn(own, others, title=str(table)))
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
    source = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Quality of synthesis</title>'
        "</head><body>{{ plot }}{{ figures }}</body></html>"
    )
    template = environment().from_string(source)
    return template.render(plot=Markup(plot._repr_html_()), figures=Markup(figures))


def drawn(own: pd.DataFrame, others: pd.DataFrame | None = None, title: str = "") -> Picture:
    """The plane of a table; without other tools with a line along what no variant dominates, and closer to these."""
    points = [*ours(own), *(() if others is None else theirs(others))]
    if others is None:
        points = [replace(one, kind="other") if one.name == "observed" else one for one in points]
    return plane(
        points,
        title=title,
        utility=Axis("recognised as synthetic, AUC", 0.5),
        disclosure=Axis("membership inference, AUC", 0.5),
        frontier=others is None,
        size=(560.0, 380.0) if others is not None else (720.0, 480.0),
    )


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


def ours(own: pd.DataFrame) -> Iterable[Point]:
    """The landmarks and our variants."""
    for row in own.to_dict("records"):
        kind: Kind = "landmark" if row["variant"] in LANDMARKS else "variant"
        yield Point(row["variant"], row["auc"], row["mia_auc"], kind)


def theirs(others: pd.DataFrame) -> Iterable[Point]:
    """The other tools."""
    for row in others.to_dict("records"):
        if not row["engine"].startswith(OURS_BEFORE):
            yield Point(row["engine"].replace("_", " "), row["auc"], row["mia_auc"], "other")
