"""Plots of columns: bars as high as NumPy counts them, every column drawn, a misspelt one named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n = 400
    made = pd.DataFrame(
        {"size": rng.normal(50, 9, n).round(2), "stage": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])}
    )
    made["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="D")
    made["none"] = np.nan
    made.loc[:39, ["size", "stage"]] = np.nan
    return made


@pytest.fixture(scope="module")
def syn(frame: pd.DataFrame) -> rp.Synthesis:
    return rp.synthesize(frame, m=3, seed=2, threads=1)


def test_bars_are_shares_of_all_sets(syn: rp.Synthesis) -> None:
    (picture,) = syn.plot("size").pictures
    heights = [float(h) for h in re.findall(r'<rect class="bar" [^>]*height="([\d.]+)"/>', picture.body)]
    edges = next(column for column in syn.summary()["columns"] if column["name"] == "size")["edges"]
    values = syn.stack()["size"].dropna().to_numpy()
    clipped = np.clip(values, edges[0], edges[-1])  # far tails are counted in the outermost bins
    counts = np.histogram(clipped, edges)[0]
    counts = counts[counts > 0]
    assert len(heights) == len(counts)
    scale = np.sum(heights) / np.sum(counts)
    np.testing.assert_allclose(heights, counts * scale, atol=0.3)  # coordinates are rounded to a tenth


def test_levels_are_shares_with_the_reach_of_the_sets(syn: rp.Synthesis, frame: pd.DataFrame) -> None:
    (picture,) = syn.plot("stage").pictures
    shares = syn.stack()["stage"].value_counts(normalize=True)
    each = [one["stage"].value_counts(normalize=True) for one in syn]
    widths = [
        float(w)
        for w in re.findall(r'<g class="synthetic"><rect class="bar" x="150" [^>]*width="([\d.]+)"', picture.body)
    ]
    ends = re.findall(r'<path class="thin" d="M([\d.]+) [\d.]+L([\d.]+) ', picture.body)
    real = [float(x) for x in re.findall(r'<path class="outline" d="M([\d.]+) [\d.]+L', picture.body)]
    scale = widths[0] / shares.iloc[0]
    for i, level in enumerate(shares.index):
        assert widths[i] == pytest.approx(scale * shares[level], abs=0.3)
        low, high = (scale * f(one[level] for one in each) for f in (min, max))
        assert [float(x) - 150 for x in ends[i]] == pytest.approx([low, high], abs=0.3)
        assert real[i] - 150 == pytest.approx(scale * frame["stage"].value_counts(normalize=True)[level], abs=0.3)
    assert "missing 10.0 %" in picture.body


def test_every_column_is_drawn_unless_some_are_named(syn: rp.Synthesis, frame: pd.DataFrame) -> None:
    assert [one.title for one in syn.plot().pictures] == list(frame)
    assert [one.title for one in syn.plot("when", "size").pictures] == ["when", "size"]
    assert "no values" in syn.plot("none").pictures[0].body
    ends = re.findall(r">(20\d\d-\d\d-\d\d)(?: or (?:less|more))?</text>", syn.plot("when").pictures[0].body)
    assert len(ends) == 2
    assert ends[0] < ends[1]


def test_a_release_is_drawn_without_the_real_data(syn: rp.Synthesis, tmp_path: Path) -> None:
    syn.to_parquet(tmp_path / "r")
    received = rp.read_release(tmp_path / "r")
    plot = received.plot("size", "stage")
    assert 'class="real"' not in plot._repr_html_()
    assert "real" not in plot.note
    assert plot.pictures[0].body.count('<rect class="bar"') > 5


def test_mistakes(syn: rp.Synthesis) -> None:
    with pytest.raises(SpecError, match="'sise', which is not a column, did you mean 'size'"):
        syn.plot("sise")
    with pytest.raises(SpecError, match="at most 12 at a time"):
        syn.plot(*["size"] * 13)
