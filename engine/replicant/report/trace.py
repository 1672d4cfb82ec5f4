"""Plots of the chains of an imputation: mean and standard deviation of the imputed cells, iteration by iteration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.missing.convergence import STATISTICS, Convergence
from replicant.table.arrays import Floats
from replicant.table.names import names_of
from replicant.view import svg
from replicant.view.figures import brief
from replicant.view.markup import SYNTHETIC, wrap
from replicant.view.plot import Picture, Plot
from replicant.view.svg import EDGE, Scale, coordinate, line, text

__all__ = ["plot_trace"]

WIDTH, LEFT = 340, 52
TOP, FLOOR = 26, 150
MOST = 8  # columns in one plot


def plot_trace(chains: Convergence, names: str | Sequence[str] | None = None) -> Plot:
    """Draw the chains of some columns: a picture for each statistic, a line for each imputation.

    Parameters
    ----------
    chains
        From `convergence`.
    names
        Which columns, at most eight; None: the first eight, those that look poor before the others.

    Raises
    ------
    SpecError
        For a name that has no chains, or too many of them.
    """
    asked = None if names is None else list(names_of(names))
    for name in asked or ():
        if name not in chains.columns:
            raise SpecError(
                f"the plot names {name!r}, of which no cell was imputed{nearest(name, chains.columns)}",
                need=f"one of the {len(chains.columns)} columns with imputed cells",
            )
    if asked is not None and len(asked) > MOST:
        raise SpecError(f"the plot would have {len(asked)} columns", need=f"at most {MOST} at a time")
    poor = chains.poor()
    shown = asked or [*poor, *(name for name in chains.columns if name not in poor)][:MOST]
    rhat = dict(
        zip(chains.frame[["column", "statistic"]].itertuples(index=False, name=None), chains.frame["rhat"], strict=True)
    )
    pictures = []
    for name in shown:
        i = chains.columns.index(name)
        for statistic, values in zip(STATISTICS, (chains.means[i], chains.spreads[i]), strict=True):
            pictures.append(_picture(name, statistic, values, rhat[name, statistic]))
    note = f"A line for each of {chains.m} imputations. {chains.verdict}"
    return Plot("Chains of the imputation", note, pictures or [_nothing()])


def _nothing() -> Picture:
    return Picture("no chains", "No cell was imputed.", WIDTH, 40, text(0, 24, "no cell was imputed"))


def _picture(name: str, statistic: str, values: Floats, rhat: float) -> Picture:
    """The chains of one statistic, (m, iterations)."""
    figure = "" if math.isnan(rhat) else f"R-hat {rhat:.2f}"
    lines = wrap(f"{name}: {statistic}", (WIDTH - 90) * 11 / 13)
    head = "".join(text(0, 13 + 16 * i, one, kind="title") for i, one in enumerate(lines))
    head += text(WIDTH, 13, figure, anchor="end") if figure else ""
    iterations = values.shape[1]
    height = Scale.over(values.ravel().tolist(), FLOOR, TOP)
    across = Scale(1.0, max(iterations, 2), LEFT, WIDTH - EDGE)
    body = []
    for value, label in svg.ticks(height.low, height.high):
        body += [line(LEFT, height(value), WIDTH - EDGE, height(value), "grid")]
        body += [text(LEFT - 6, height(value) + 4, label, anchor="end")]
    whole = [(value, label) for value, label in svg.ticks(1, max(iterations, 2), 6) if value == round(value)]
    whole = [(1.0, "1"), *(one for one in whole if one[0] >= 1 + (iterations - 1) / 12)]
    body.append(svg.floor_axis(across, FLOOR, FLOOR, [one for one in whole if one[0] <= iterations]))
    for chain, colour in zip(values, cycle(SYNTHETIC), strict=False):
        points = "L".join(
            f"{coordinate(across(t))} {coordinate(height(value))}" for t, value in enumerate(chain.tolist(), 1)
        )
        drawn = f'<path class="thin" d="M{points}"/>' if iterations > 1 else svg.mark("circle", LEFT, height(chain[0]))
        body.append(f'<g style="--c:var(--{colour})">{drawn}</g>')
    body.append(text((LEFT + WIDTH - EDGE) / 2, FLOOR + 28, "iteration", anchor="middle"))
    first, last = values[:, 0], values[:, -1]
    said = f"from {_reach(first)} at iteration 1 to {_reach(last)} at iteration {iterations}"
    down = 16.0 * (len(lines) - 1)
    moved = f'<g transform="translate(0 {coordinate(down)})">{"".join(body)}</g>' if down else "".join(body)
    words = f"{statistic} of the imputed cells of {name}: {said}{f'; {figure}' if figure else ''}."
    return Picture(f"{name}: {statistic}", words, WIDTH, FLOOR + 34 + down, head + moved)


def _reach(values: Floats) -> str:
    """The range of the chains at one iteration."""
    low, high = brief(float(np.min(values))), brief(float(np.max(values)))
    return low if low == high else f"{low} ... {high}"
