"""Plots of chains: which columns, in which order, and where the lines run."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from replicant.errors import SpecError
from replicant.missing import Convergence, convergence
from replicant.report.trace import plot_trace


def chains(columns: int = 3, m: int = 4, iterations: int = 8, poor: int | None = None) -> Convergence:
    rng = np.random.default_rng(1)
    means = rng.normal(size=(columns, m, iterations))
    if poor is not None:
        means[poor] += 9 * np.arange(m)[:, None]
    return convergence([f"v{i}" for i in range(columns)], means, rng.uniform(1, 2, size=means.shape))


def test_a_picture_for_each_statistic_and_a_line_for_each_chain() -> None:
    plot = plot_trace(chains())
    assert [one.title for one in plot.pictures] == [*("v0: mean", "v0: sd", "v1: mean", "v1: sd", "v2: mean", "v2: sd")]
    for one in plot.pictures:
        paths = re.findall(r'<path class="thin" d="M([^"]*)"', one.body)
        assert len(paths) == 4
        assert all(path.count("L") == 7 for path in paths)
        assert "R-hat" in one.body
        ElementTree.fromstring(one.svg())
    assert "A line for each of 4 imputations." in plot.note


def test_lines_run_where_the_chains_do() -> None:
    means = np.array([[[0.0, 10.0, 5.0, 0.0]]])
    body = plot_trace(convergence(["a"], means, means + 1)).pictures[0].body
    path = re.search(r'<path class="thin" d="M([^"]*)"', body)
    assert path is not None
    x, y = np.array([point.split() for point in path[1].split("L")], dtype=float).T
    np.testing.assert_allclose(np.diff(x), np.diff(x)[0], atol=0.11)
    np.testing.assert_allclose((y - y[0]) / (y[1] - y[0]), means[0, 0] / 10, atol=0.01)
    assert y[1] < y[0]


def test_what_looks_poor_comes_first_and_not_too_much_is_drawn() -> None:
    plot = plot_trace(chains(columns=12, poor=10))
    assert len(plot.pictures) == 16
    assert plot.pictures[0].title == "v10: mean"
    assert "The chains of v10 do not agree" in plot.note
    assert [one.title for one in plot_trace(chains(), "v1").pictures] == ["v1: mean", "v1: sd"]


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_few_iterations(iterations: int) -> None:
    plot = plot_trace(chains(iterations=iterations))
    assert "nothing can be said" in plot.note
    assert "R-hat" not in plot.pictures[0].body
    ElementTree.fromstring(plot.svg)


def test_constant_chains_and_none() -> None:
    flat = np.zeros((1, 3, 5))
    assert len(plot_trace(convergence(["a"], flat, flat)).pictures) == 2
    empty = np.full((1, 3, 5), np.nan)
    assert "No cell was imputed" in repr(plot_trace(convergence(["a"], empty, empty)))


def test_names_that_are_not_there_and_too_many() -> None:
    with pytest.raises(SpecError, match="no cell was imputed, did you mean 'v1'"):
        plot_trace(chains(), "v11")
    with pytest.raises(SpecError, match="9 columns"):
        plot_trace(chains(columns=9), [f"v{i}" for i in range(9)])
