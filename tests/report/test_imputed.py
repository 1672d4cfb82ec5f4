"""Imputed beside observed cells: densities that integrate to one, shares, and nothing of few cells."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

from replicant.report.imputed import POINTS, ImputedColumn, _density, plot_imputed
from replicant.table import Table, encode_table

N = 400


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "number": rng.normal(50, 10, N).round(3),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, N), unit="D"),
            "group": pd.Categorical(rng.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1])),
            "many": pd.Categorical(rng.choice([f"level {i}" for i in range(20)], N)),
            "rare": rng.normal(size=N).round(3),
        }
    )
    for name in frame:
        frame.loc[rng.random(N) < (0.01 if name == "rare" else 0.3), name] = None
    return encode_table(frame)


def imputed(table: Table, name: str, m: int = 3) -> ImputedColumn:
    """Donors at random."""
    rng = np.random.default_rng(4)
    column = table[name]
    gone = column.codes < 0
    return ImputedColumn(column, gone, [rng.choice(column.codes[~gone], gone.sum()) for _ in range(m)])


def test_the_density_is_scipys() -> None:
    """A normal kernel of the same bandwidth; bins move a cell by less than half a step."""
    values = np.random.default_rng(1).gamma(3, size=2000)
    grid = np.linspace(0, 12, POINTS)
    quartiles = np.quantile(values, [0.25, 0.75])
    width = 0.9 * min(values.std(), (quartiles[1] - quartiles[0]) / 1.34) * 2000**-0.2
    expected = gaussian_kde(values, bw_method=width / values.std(ddof=1))(grid)
    np.testing.assert_allclose(_density(values, grid), expected, atol=0.02 * expected.max())
    assert np.trapezoid(_density(values, grid), grid) == pytest.approx(1, abs=0.02)


def test_numbers_are_curves_and_levels_are_shares(table: Table) -> None:
    plot = plot_imputed([imputed(table, name) for name in ("number", "day", "group", "many")])
    number, day, group, many = plot.pictures
    for one in plot.pictures:
        ElementTree.fromstring(one.svg())
    for one in (number, day):
        assert len(re.findall(r'<path class="thin" d="M[^"]*L[^"]*L', one.body)) == 3
        assert one.body.count('class="outline"') == 2  # the curve, and its key
    assert "mean observed 5" in number.description
    column = table["group"]
    gone = column.codes < 0
    share = (column.codes[~gone] == 0).mean()
    assert f"a: observed {100 * share:.1f} %, imputed" in group.description
    assert "9 more levels: observed" in many.description


def test_what_a_method_draws_itself_is_drawn_too(table: Table) -> None:
    rng = np.random.default_rng(1)
    column = table["number"]
    gone = column.codes < 0
    drawn = ImputedColumn(column, gone, [rng.normal(10, 1, gone.sum()), np.full(gone.sum(), np.nan)])
    picture = plot_imputed([drawn]).pictures[0]
    assert "imputed 9.9" in picture.description or "imputed 10" in picture.description
    assert picture.body.count('class="thin"') == 2  # one curve, and its key


def test_of_few_cells_nothing_is_drawn(table: Table) -> None:
    few = imputed(table, "rare")
    assert 0 < few.imputed.sum() < 10
    picture = plot_imputed([few]).pictures[0]
    assert "too few" in picture.description
    assert "path" not in picture.body
    none = ImputedColumn(few.column, np.zeros(N, dtype=bool), [np.empty(0, dtype=np.int32)])
    assert "nothing to draw" in plot_imputed([none]).pictures[0].description
    assert plot_imputed([]).pictures


def test_a_column_that_is_constant() -> None:
    table = encode_table(pd.DataFrame({"a": [1.0] * 30 + [None] * 30, "b": range(60)}))
    assert plot_imputed([imputed(table, "a")]).pictures
