"""The summary against pandas and NumPy on the frames themselves."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.summaries.summary import combine, conclude, outline, summarise, tally
from replicant.table import encode_table


def make(n: int = 400, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(7, 1.2, n).round(2),
            "children": rng.integers(0, 6, n),
            "score": rng.normal(1e9, 3.0, n),  # far from zero: a plain sum of squares would lose its variance
            "months": pd.array(rng.integers(0, 40, n), "Int64"),
            "party": rng.choice(["a", "b", "c"], n),
            "grade": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "mid", "hi"], ordered=True),
            "many": pd.Categorical(rng.choice([f"level {i}" for i in range(30)], n)),
            "wave": pd.Categorical(rng.choice([1, 2, 3], n), [3, 2, 1]),
            "yes": rng.choice([True, False], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="D"),
            "born": [dt.date(1950, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 20_000, n)],
            "zoned": pd.Timestamp("2020-01-01", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 99, n), unit="h"),
        }
    )
    for column in ("income", "months", "party", "grade", "when", "born"):
        frame.loc[rng.random(n) < 0.1, column] = None
    frame.loc[rng.random(n) < 0.1, "months"] = -8
    return frame


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return make()


@pytest.fixture(scope="module")
def sets() -> list[pd.DataFrame]:
    return [make(seed=seed) for seed in (11, 12, 13)]


@pytest.fixture(scope="module")
def table(real: pd.DataFrame) -> Any:
    return encode_table(real, {"months": {"missing_codes": [-8]}})


@pytest.fixture(scope="module")
def columns(table: Any, sets: list[pd.DataFrame]) -> dict[str, Any]:
    return {column["name"]: column for column in summarise(table, sets)["columns"]}


def as_numbers(series: pd.Series) -> pd.Series:
    if series.name in {"when", "zoned", "born"}:
        moments = pd.to_datetime(series, utc=True)
        return (moments - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds() / 86400
    return series.astype(float).replace(-8, np.nan) if series.name == "months" else series.astype(float)


NUMERIC = ["income", "children", "score", "months", "when", "born", "zoned"]


@pytest.mark.parametrize("name", NUMERIC)
def test_means_and_sds_are_pandas_own(name: str, columns: Any, real: pd.DataFrame, sets: list[pd.DataFrame]) -> None:
    column = columns[name]
    mine, theirs = as_numbers(real[name]), [as_numbers(frame[name]) for frame in sets]
    assert column["real"]["mean"] == pytest.approx(mine.mean(), rel=1e-12)
    assert column["real"]["sd"] == pytest.approx(mine.std(), rel=1e-7)
    assert column["real"]["missing"] == pytest.approx(mine.isna().mean())
    assert column["synthetic"]["mean"] == pytest.approx(np.mean([s.mean() for s in theirs]), rel=1e-12)
    assert column["synthetic"]["sd"] == pytest.approx(np.mean([s.std() for s in theirs]), rel=1e-7)
    for figures, series in zip(column["synthetic"]["each"], theirs, strict=True):
        assert figures["mean"] == pytest.approx(series.mean(), rel=1e-12)
        assert figures["missing"] == pytest.approx(series.isna().mean())


@pytest.mark.parametrize("name", NUMERIC)
def test_bins_are_numpy_histograms_with_the_tails_in_the_outermost(name: str, columns: Any, real: pd.DataFrame) -> None:
    column = columns[name]
    edges = np.array(column["edges"])
    inside = np.clip(as_numbers(real[name]).dropna(), edges[0], np.nextafter(edges[-1], -np.inf))
    assert column["real"]["counts"] == np.histogram(inside, edges)[0].tolist()
    assert sum(column["real"]["counts"]) == as_numbers(real[name]).notna().sum()
    np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0], rtol=1e-6)
    assert len(edges) <= 35


@pytest.mark.parametrize("name", NUMERIC)
def test_no_edge_is_a_cell(name: str, columns: Any, real: pd.DataFrame) -> None:
    assert not set(columns[name]["edges"]) & set(as_numbers(real[name]))


@given(
    st.lists(st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e18, 1e18)), min_size=2, max_size=60),
    st.integers(0, 3),
)
def test_edges_hold_for_any_numbers(values: list[float], decimals: int) -> None:
    frame = pd.DataFrame({"x": np.round(values, decimals)})
    column = summarise(encode_table(frame, {"x": {"kind": "continuous"}}), [frame])["columns"][0]
    assert not set(column["edges"]) & set(frame["x"])
    assert column["real"]["counts"] == column["synthetic"]["counts"]
    assert sum(column["real"]["counts"]) == len(frame)
    assert (np.diff(column["edges"]) > 0).all()


@pytest.mark.parametrize("name", ["party", "grade", "wave", "yes"])
def test_shares_are_pandas_own(name: str, columns: Any, real: pd.DataFrame, sets: list[pd.DataFrame]) -> None:
    column = columns[name]
    expected = real[name].value_counts(normalize=True)
    theirs = pd.concat([frame[name].value_counts(normalize=True) for frame in sets], axis=1).mean(axis=1)
    expected.index, theirs.index = expected.index.astype(str), theirs.index.astype(str)
    for level, mine, other in zip(
        column["levels"], column["real"]["shares"], column["synthetic"]["shares"], strict=True
    ):
        assert mine == pytest.approx(expected.get(level, 0.0))
        assert other == pytest.approx(theirs.get(level, 0.0))
    assert column["real"]["missing"] == pytest.approx(real[name].isna().mean())


def test_levels_keep_their_order_and_many_are_pooled(columns: Any, real: pd.DataFrame) -> None:
    assert columns["grade"]["levels"] == ["lo", "mid", "hi"]
    assert columns["wave"]["levels"] == ["3", "2", "1"]
    many = columns["many"]
    assert (len(many["levels"]), many["pooled"], len(many["real"]["shares"])) == (7, 23, 8)
    counts = real["many"].value_counts()
    assert sum(many["real"]["shares"][:-1]) == pytest.approx(counts.head(7).sum() / len(real))
    assert sum(many["real"]["shares"]) == pytest.approx(1)
    assert many["levels"] == [level for level in real["many"].cat.categories if level in many["levels"]]


def test_it_is_json(table: Any, sets: list[pd.DataFrame]) -> None:
    made = summarise(table, sets)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert (made["n"], made["k"], made["m"]) == (400, 400, 3)


def test_tallies_add_up_over_partitions(table: Any, real: pd.DataFrame, sets: list[pd.DataFrame]) -> None:
    plan = outline(table)
    halves = [combine(tally(frame.iloc[:150], plan), tally(frame.iloc[150:], plan)) for frame in sets]
    encoded = combine(tally(table.take(np.arange(99)), plan), tally(table.take(np.arange(99, 400)), plan))
    apart, whole = conclude(plan, encoded, halves), summarise(table, sets)
    for mine, other in zip(apart["columns"], whole["columns"], strict=True):
        for side in ("real", "synthetic"):
            for key in ("mean", "sd", "missing", "counts", "shares"):
                if key in other[side]:
                    assert mine[side][key] == pytest.approx(other[side][key], rel=1e-9)


def test_without_the_real_table(sets: list[pd.DataFrame], columns: Any) -> None:
    made = summarise(None, sets, {"months": "count"})
    assert made["n"] is None
    for column in made["columns"]:
        assert column["real"] is None
        if column["name"] in set(NUMERIC) - {"months"}:
            assert column["synthetic"]["mean"] == pytest.approx(columns[column["name"]]["synthetic"]["mean"], rel=1e-9)


def test_nothing_there_nothing_lost() -> None:
    frame = pd.DataFrame({"x": [np.nan] * 3, "y": [1, 1, 1], "z": pd.Categorical([None] * 3, ["a"])})
    made = summarise(None, [frame])
    assert [column["synthetic"]["missing"] for column in made["columns"]] == [1.0, 0.0, 1.0]
    assert made["columns"][0]["synthetic"]["mean"] is None
    json.dumps(made, allow_nan=False)


def test_extremes_do_not_show() -> None:
    """A single far value neither moves the edges out to itself nor is lost."""
    rng = np.random.default_rng(1)
    values = np.append(rng.normal(0, 1, 5000), 98765.4321)
    column = summarise(encode_table(pd.DataFrame({"x": values})), [pd.DataFrame({"x": values})])["columns"][0]
    assert max(column["edges"]) < 98765
    assert column["tails"] == [False, True]
    assert sum(column["real"]["counts"]) == 5001


def test_dates_that_nanoseconds_cannot_count() -> None:
    days = ["0001-01-01", "1582-10-15", "2001-01-01", "9999-12-31"]
    frame = pd.DataFrame({"when": np.array(days * 3, dtype="M8[s]"), "x": range(12)})
    found = summarise(encode_table(frame), [frame])["columns"][0]
    for side in ("real", "synthetic"):
        assert found[side]["mean"] == pytest.approx(np.mean([np.datetime64(day).astype(int) for day in days]))


@pytest.mark.parametrize("values", [[1.7e308, -1.7e308], [1.7e308, 1.0], [1e200, -1e200], [1.0, 1.0 + 2**-52]])
@pytest.mark.parametrize("unit", [1.0, 1e-300, 5e-324])
def test_numbers_at_the_ends_of_what_there_is(values: list[float], unit: float) -> None:
    """There may be no mean and no standard deviation, but each value is in a bin, and all can be written as JSON."""
    frame = pd.DataFrame({"x": np.array([*values, 0.0, np.nan] * 5) * unit, "y": range(20)})
    found = json.loads(json.dumps(summarise(encode_table(frame), [frame]), allow_nan=False))["columns"][0]
    mean = float((frame["x"] / 15).sum())
    for side in ("real", "synthetic"):
        assert sum(found[side]["counts"]) == 15
        assert found[side]["mean"] is None or found[side]["mean"] == pytest.approx(mean, abs=1e293)
