"""Plots of imputed cells beside observed ones: smoothed densities of numbers, shares of levels.

Nothing is drawn of a single cell: densities are smoothed and end before the far tails, and a set of few imputed cells
has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.report.plots import levels_picture
from replicant.table import Column, Kind
from replicant.table.arrays import Floats
from replicant.table.counts import code_counts
from replicant.view import svg
from replicant.view.figures import day
from replicant.view.markup import wrap
from replicant.view.plot import Picture, Plot
from replicant.view.svg import EDGE, Scale, coordinate, line, text

__all__ = ["ImputedColumn", "plot_imputed"]

WIDTH, LEFT = 460, 12
TOP, FLOOR = 40, 180
FEWEST = 10  # cells of which a distribution is drawn
POINTS = 128  # of a curve
TAIL = 0.01  # of the cells lie beyond either end of a curve
LEVELS = 12  # levels that are drawn one by one
WORDS = ("observed", "imputed")


@dataclass(frozen=True, eq=False, slots=True)
class ImputedColumn:
    """A column with what was drawn for its imputed cells.

    Attributes
    ----------
    column
        The observed column.
    imputed
        (n,) bool: the cells that were imputed.
    sets
        For each imputation the cells drawn, of those alone, in their order: int32 codes, or float64 numbers.
    """

    column: Column
    imputed: npt.NDArray[np.bool_]
    sets: Sequence[npt.NDArray[Any]]


def plot_imputed(columns: Sequence[ImputedColumn]) -> Plot:
    """Draw imputed cells beside the observed ones.

    They need not be alike: where cells are missing at random given other columns, they differ as these do.

    Parameters
    ----------
    columns
        Columns with imputed cells.
    """
    m = max((len(one.sets) for one in columns), default=0)
    note = f"Outlined: the observed cells. Filled, or a fine line for each of {m} imputations: the imputed ones. "
    note += "Under missing at random the two may differ, as far as other columns explain it."
    drawn = [_picture(one) for one in columns if one.column.kind is not Kind.IDENTIFIER]
    return Plot("Observed and imputed cells", note, drawn or [_few("no cell was imputed", 0)])


def _picture(one: ImputedColumn) -> Picture:
    column = one.column
    observed = ~one.imputed & (column.codes >= 0)
    if observed.sum() < FEWEST or one.imputed.sum() < FEWEST:
        return _few(column.name, int(one.imputed.sum()))
    if column.is_categorical:
        return _levels(one, column.codes[observed])
    sets = [_numbers(column, cells) for cells in one.sets]
    return _densities(one, column.numbers(column.codes[observed]), sets)


def _few(name: str, cells: int) -> Picture:
    said = f"{cells:,} imputed cells: too few to draw their distribution" if cells else "nothing to draw"
    return Picture(name, f"{name}: {said}.", WIDTH, 44, text(0, 13, name, kind="title") + text(0, 34, said))


def _numbers(column: Column, cells: npt.NDArray[Any]) -> Floats:
    numbers = column.numbers(cells.astype(np.int32)) if cells.dtype.kind in "iu" else cells.astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _levels(one: ImputedColumn, observed: npt.NDArray[Any]) -> Picture:
    column = one.column
    counts = code_counts(observed, column.size)
    sets = [code_counts(cells, column.size) for cells in one.sets]
    total = counts + np.sum(sets, axis=0)
    kept = np.arange(column.size)
    if column.size > LEVELS:
        kept = np.sort(np.argsort(-total, kind="stable")[: LEVELS - 1])

    def shares(of: npt.NDArray[Any]) -> list[float]:
        parts = of[kept] / max(1, of.sum())
        return [*parts.tolist(), *([float(1 - parts.sum())] if len(kept) < column.size else [])]

    each = [shares(of) for of in sets]
    names = column.levels()
    figures = {
        "name": column.name,
        "levels": [str(names[i]) for i in kept],
        "pooled": column.size - len(kept),
        "real": {"shares": shares(counts), "missing": 0.0},
        "synthetic": {
            "shares": np.mean(each, axis=0).tolist(),
            "missing": 0.0,
            "each": [{"shares": of} for of in each],
        },
    }
    return levels_picture(figures, WORDS)


def _densities(one: ImputedColumn, observed: Floats, sets: Sequence[Floats]) -> Picture:
    name = one.column.name
    pooled = np.concatenate(sets) if sets else observed
    ends = [np.quantile(values, [TAIL, 1 - TAIL]) for values in (observed, pooled if len(pooled) else observed)]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    if not high > low:
        return _few(name, 0)
    grid = np.linspace(low, high, POINTS)
    curves = [(_density(values, grid), "thin") for values in sets if len(values) >= FEWEST]
    real = _density(observed, grid)
    top = max(float(curve.max()) for curve in (real, *(curve for curve, _ in curves)))
    height = Scale(0.0, 1.05 * top, FLOOR, TOP)
    across = Scale(low, high, LEFT, WIDTH - EDGE)
    lines = wrap(name, (WIDTH - 184) * 11 / 13)
    head = "".join(text(0, 13 + 16 * i, written, kind="title") for i, written in enumerate(lines)) + _key()
    if one.column.kind is Kind.DATE:
        body = [text(LEFT, FLOOR + 14, day(low)), text(WIDTH - EDGE, FLOOR + 14, day(high), anchor="end")]
    else:
        body = [svg.floor_axis(across, FLOOR, TOP, svg.ticks(low, high, 6))]
    body.append(line(LEFT, FLOOR, WIDTH - EDGE, FLOOR, "grid"))
    drawn = "".join(_curve(curve, grid, across, height, kind) for curve, kind in curves)
    body.append(f'<g class="synthetic">{drawn}</g>')
    body.append(f'<g class="real">{_curve(real, grid, across, height, "outline")}</g>')
    figures = [f"{values.mean():.4g} (sd {values.std():.3g})" for values in (observed, pooled)]
    words = f"{name}: mean observed {figures[0]}, imputed {figures[1]}; {int(one.imputed.sum()):,} imputed cells."
    body.append(text(LEFT, FLOOR + 32, words.removeprefix(f"{name}: ").rstrip(".")))
    down = 16.0 * (len(lines) - 1)
    moved = f'<g transform="translate(0 {coordinate(down)})">{"".join(body)}</g>' if down else "".join(body)
    return Picture(name, words, WIDTH, FLOOR + 38 + down, head + moved)


def _key() -> str:
    x = WIDTH - 154
    observed = f'<g class="real">{line(x, 9, x + 14, 9, "outline")}</g>{text(x + 19, 13, WORDS[0])}'
    return f'{observed}<g class="synthetic">{line(x + 80, 9, x + 94, 9, "thin")}</g>{text(x + 99, 13, WORDS[1])}'


def _curve(curve: Floats, grid: Floats, across: Scale, height: Scale, kind: str) -> str:
    points = "L".join(
        f"{coordinate(across(x))} {coordinate(height(y))}" for x, y in zip(grid.tolist(), curve.tolist(), strict=True)
    )
    return f'<path class="{kind}" d="M{points}"/>'


def _density(values: Floats, grid: Floats) -> Floats:
    """A normal kernel on counts in fine bins; Silverman's bandwidth (1986, equation 3.31), and no less than a bin."""
    step = grid[1] - grid[0]
    spread = float(values.std())
    quartiles = np.quantile(values, [0.25, 0.75])
    narrow = min([one for one in (spread, float(quartiles[1] - quartiles[0]) / 1.34) if one > 0], default=0.0)
    width = max(0.9 * narrow * len(values) ** -0.2, 1.5 * step)
    reach = min(int(np.ceil(4 * width / step)), 10 * len(grid))
    edges = grid[0] + step * (np.arange(-reach, len(grid) + reach + 1) - 0.5)
    counts = np.histogram(values, bins=edges)[0] / len(values)
    kernel = np.exp(-0.5 * (step * np.arange(-reach, reach + 1) / width) ** 2)
    smooth: Floats = np.convolve(counts, kernel / kernel.sum(), mode="valid") / step
    return smooth
