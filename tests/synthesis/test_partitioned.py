"""`rp.synthesize` in partitions: the same sets as a job's, whatever holds the rows, and every door of the result."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import DataError, SpecError
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.run import chunks, partitioned
from replicant.run.job import run_job
from replicant.spec.load import parse_job
from replicant.summaries.summary import summarise
from replicant.synthesis.partitioned import PartitionedSynthesis

ROWS = 2000
SECTION = 200


def people(rows: int = ROWS) -> pd.DataFrame:
    """Columns of every kind: numbers, levels, dates, codes of missing, a copy, an identifier."""
    rng = np.random.default_rng(3)
    x = rng.normal(50, 9, rows).round(1)
    age = rng.integers(18, 90, rows)
    income = np.where(rng.random(rows) < 0.3, 0.0, rng.lognormal(7, 1, rows).round())
    income[rng.random(rows) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "pid": np.arange(rows) + 5000,
            "x": x,
            "age": age,
            "income": income,
            "asked": np.where(age < 30, -8, rng.integers(1, 6, rows)),
            "region": rng.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2]),
            "grade": pd.Categorical(rng.choice(["low", "high"], rows), ["low", "middle", "high"], ordered=True),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "inch": x / 2.54,
        }
    )


COLUMNS = {"asked": {"kind": "ordered", "missing_codes": [-8]}}
SETTINGS: dict[str, Any] = {"m": 2, "seed": 7, "partition_rows": 300, "min_stratum": 50}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {"drop": ["pid"]},
    "strata": {"drop": ["pid"], "strata": "region"},
    "identifiers": {"method": {"pid": "surrogate"}, "strata": "region"},
    "rules": {"drop": ["pid"], "where": ["income > 3000"], "passive": {"inch": "x / 2.54"}},
    "fewer rows": {"drop": ["pid"], "k": 700},
    "one partition": {"drop": ["pid"], "partition_rows": ROWS},
}


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2 * SECTION)
    return people()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", ["frame", "dask", "path"])
def test_the_sets_are_those_of_a_job(source: str, way: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    frame.to_parquet(path, index=False, row_group_size=SECTION)
    said = {**SETTINGS, **WAYS[way]}
    target = tmp_path / "release"
    job = {"input": {"path": str(path)}, "columns": COLUMNS, "synthesis": said, "output": {"path": str(target)}}
    run_job(parse_job(json.dumps(job)), Backend(threads=1))
    released = rp.read_release(target)
    data = {"frame": frame, "dask": dd.from_pandas(frame, npartitions=ROWS // SECTION, sort=False), "path": path}[
        source
    ]
    syn = rp.synthesize(data, columns=COLUMNS, threads=2, **said)
    assert isinstance(syn, PartitionedSynthesis)
    for one, other in zip(syn, released, strict=True):
        pd.testing.assert_frame_equal(one, other)
    events = {(event.code, event.column) for event in syn.events}
    assert events == {(event.code, event.column) for event in released.events}
    assert syn.manifest["columns"] == released.manifest["columns"]


@pytest.mark.parametrize("way", WAYS)
def test_in_memory_is_the_case_of_one_partition(way: str, frame: pd.DataFrame) -> None:
    """Of each stratum: the same plan, seeds and sets, in another graph."""
    said = {"m": 2, "seed": 7, "min_stratum": 50, **WAYS[way]}
    alone = rp.synthesize(frame, columns=COLUMNS, threads=1, **{**said, "partition_rows": None})
    whole = rp.synthesize(frame, columns=COLUMNS, threads=1, **{**said, "partition_rows": ROWS})
    for one, other in zip(alone, whole, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert alone.events == whole.events
    assert alone.manifest["columns"] == whole.manifest["columns"]


def test_every_door_gives_what_the_frames_give(frame: pd.DataFrame, tmp_path: Path) -> None:
    real = dd.from_pandas(frame, npartitions=3)
    syn = rp.synthesize(real, columns=COLUMNS, threads=2, **SETTINGS, **WAYS["strata"])
    sets = list(syn)
    assert repr(syn).endswith("partitions held here>")
    assert "random partitions within strata by region" in syn._repr_html_()
    pd.testing.assert_frame_equal(syn.stack().drop(columns="imputation"), pd.concat(sets, ignore_index=True))
    pooled = syn.analyse("ols", "income ~ age + region").pool()
    fits = [smf.ols("income ~ age + C(region)", one).fit().params.tolist() for one in sets]
    assert sorted(pooled.frame["estimate"]) == pytest.approx(sorted(np.mean(fits, axis=0)), rel=1e-8)
    by_frame = syn.compare(frame, "ols", "income ~ age").frame
    pd.testing.assert_frame_equal(by_frame, syn.compare(real, "ols", "income ~ age").frame)
    assert syn.describe(["age"])["mean"].tolist() == pytest.approx([one["age"].mean() for one in sets])
    by_dask, by_frame = (syn.discriminate(one, "~ age + x").pool().frame for one in (real, frame))
    pd.testing.assert_frame_equal(by_dask, by_frame)
    whole = rp.encode_table(frame, COLUMNS, drop=["pid"])
    by_name = {one["name"]: one for one in summarise(whole, sets)["columns"]}
    for one in syn.summary()["columns"]:
        if one["type"] == "numeric":
            for part in ("real", "synthetic"):
                assert one[part]["mean"] == pytest.approx(by_name[one["name"]][part]["mean"])
                assert one[part]["sd"] == pytest.approx(by_name[one["name"]][part]["sd"])
    lazy = syn.to_dask()
    pd.testing.assert_frame_equal(lazy.compute(scheduler="sync").reset_index(drop=True), syn.stack())
    pd.testing.assert_frame_equal(syn.to_dask(1).compute(scheduler="sync").reset_index(drop=True), sets[1])
    assert lazy.dtypes.equals(syn.stack().dtypes)
    assert [one.num_rows for one in syn.frames("arrow")] == [ROWS, ROWS]
    syn.to_parquet(tmp_path / "release", csv=True)
    assert rp.verify_release(tmp_path / "release").ok
    for one, other in zip(rp.read_release(tmp_path / "release"), sets, strict=True):
        pd.testing.assert_frame_equal(one, other)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) > 30))
@settings(max_examples=15, deadline=None)
def test_partitions_of_any_size_and_empty_ones(sizes: list[int]) -> None:
    whole = people(sum(sizes))[["x", "age", "region"]]
    edges = np.cumsum([0, *sizes])
    parts = [whole.iloc[low:high] for low, high in itertools.pairwise(edges)]
    lazy = dd.from_map(lambda at: parts[at], range(len(parts)), meta=whole.iloc[:0])
    syn = rp.synthesize(lazy, m=1, seed=2, partition_rows=15, threads=1)
    assert len(syn[0]) == len(whole)
    assert len(syn.plan.partitions) == -(-len(whole) // 15)
    assert list(syn[0].columns) == ["x", "age", "region"]
    assert syn[0].dtypes.equals(whole.dtypes)


def test_categories_may_differ_between_partitions() -> None:
    first = pd.DataFrame({"a": pd.Categorical(["x", "y"] * 20), "b": np.arange(40.0)})
    second = pd.DataFrame({"a": pd.Categorical(["z", "y"] * 20), "b": np.arange(40.0)})
    meta = pd.DataFrame({"a": pd.Categorical([], ["x", "y", "z"]), "b": np.zeros(0)})
    lazy = dd.from_map(lambda at: [first, second][at], [0, 1], meta=meta)
    syn = rp.synthesize(lazy, m=1, seed=1, threads=1)
    assert syn.codebook["a"].levels == ["x", "y", "z"]
    assert set(syn[0]["a"]) == {"x", "y", "z"}


def test_partitions_are_chosen_by_memory(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = dd.from_pandas(frame[["x", "age"]], npartitions=4)
    alone = rp.synthesize(lazy, m=1, seed=1, threads=1)
    assert len(alone.plan.partitions) == 1
    assert not alone.events
    monkeypatch.setattr(partitioned, "MOST_ROWS", 700)
    divided = rp.synthesize(lazy, m=1, seed=1, threads=1)
    assert [len(divided.plan.partitions), divided.events[0].code] == [3, "partitioned"]
    monkeypatch.setattr(Executor, "task_memory", 1000)
    with pytest.raises(SpecError, match="too little memory"):
        rp.synthesize(lazy, m=1, seed=1, threads=1)


def test_what_cannot_be_done_is_refused_with_the_way_out(frame: pd.DataFrame) -> None:
    lazy = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(SpecError, match="encoded"):
        rp.synthesize(rp.encode_table(frame), partition_rows=300)
    for mask in (np.ones(len(frame), dtype=bool), frame.isna(), {"x": frame["x"] > 50}):
        with pytest.raises(SpecError, match="mask"):
            rp.synthesize(lazy, where=mask, threads=1)
    with pytest.raises(SpecError, match="Dask DataFrame"):
        rp.synthesize(lazy, reading={"delimiter": ";"}, threads=1)
    with pytest.raises(SpecError, match="cannot read a table from a Series"):
        rp.synthesize(lazy["x"], threads=1)
    with pytest.raises(DataError, match="identifier"):
        rp.synthesize(dd.from_pandas(frame.assign(pid=[f"p{i}" for i in range(ROWS)]), npartitions=2), threads=1)
    with pytest.raises(SpecError, match="partition_rows"):
        rp.synthesize(frame, partition_rows=2)
    with pytest.raises((SpecError, DataError)):
        rp.synthesize(dd.from_pandas(frame.iloc[:0], npartitions=1), threads=1)
    with pytest.raises(SpecError, match="leave partition_rows out"):
        rp.study(frame, replicates=2, estimands=[{"means": ["x"]}], partition_rows=300, progress=False)
