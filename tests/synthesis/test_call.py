"""`rp.synthesize`: what goes in, what comes out, and that nothing but the seed decides it."""

from __future__ import annotations

import hashlib
import html.parser
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import replicant as rp
from replicant.run.job import run_job
from replicant.spec.load import parse_job


@pytest.fixture
def frame() -> pd.DataFrame:
    """200 records: numbers, a count, an ordered and a nominal column, a truth value, a date, missing cells."""
    rng = np.random.default_rng(3)
    n = 200
    age = rng.integers(18, 90, n)
    income = np.round(np.exp(rng.normal(7, 0.4, n) + age / 100), 2)
    income[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "income": income,
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "high"], n), categories=["low", "mid", "high", "top"], ordered=True
            ),
            "region": rng.choice(["north", "south", "west"], n),
            "member": rng.random(n) < 0.4,
            "since": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 4000, n), unit="D"),
        }
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_m_frames_of_the_same_shape_and_types(frame: pd.DataFrame) -> None:
    syn = rp.synthesize(frame, m=3, seed=1)
    assert (syn.m, len(syn), len(list(syn))) == (3, 3, 3)
    for one in syn:
        assert list(one.columns) == list(frame.columns)
        assert one.dtypes.to_dict() == frame.dtypes.to_dict()
        assert one.shape == frame.shape
        assert isinstance(one.index, pd.RangeIndex)
    assert not syn[0].equals(syn[1])
    assert syn[0] is syn[0]
    assert syn[-1] is syn[2]
    assert len(syn[1:]) == 2
    with pytest.raises(IndexError):
        syn[3]


def test_every_value_was_observed(frame: pd.DataFrame) -> None:
    for one in rp.synthesize(frame, m=2, seed=1):
        for name in frame:
            assert set(one[name].dropna()) <= set(frame[name].dropna())


def test_stack_numbers_the_sets_from_one(frame: pd.DataFrame) -> None:
    syn = rp.synthesize(frame, m=3, seed=1)
    stacked = syn.stack()
    assert list(stacked.columns) == ["imputation", *frame.columns]
    for i, one in enumerate(syn, start=1):
        part = stacked[stacked["imputation"] == i].drop(columns="imputation").reset_index(drop=True)
        assert_frame_equal(part, one)


def test_k_rows(frame: pd.DataFrame) -> None:
    assert {len(one) for one in rp.synthesize(frame, m=2, seed=1, k=77)} == {77}


def test_a_passive_column_holds_on_every_row(frame: pd.DataFrame) -> None:
    frame["double"] = frame["income"] * 2 + frame["age"]
    for conditioning in ("synthetic", "observed"):
        syn = rp.synthesize(frame, m=2, seed=1, conditioning=conditioning, passive={"double": "income * 2 + age"})
        for one in syn:
            np.testing.assert_allclose(one["double"], one["income"] * 2 + one["age"], rtol=1e-12)


def test_strata_keep_their_sizes_and_are_whole_in_each_set(frame: pd.DataFrame) -> None:
    syn = rp.synthesize(frame, m=2, seed=1, strata="region", min_stratum=10)
    assert len(syn.plan.partitions) == 3
    for one in syn:
        assert one["region"].value_counts().to_dict() == frame["region"].value_counts().to_dict()


def test_events_reach_the_result_and_the_manifest(frame: pd.DataFrame) -> None:
    frame["same"] = 1.5
    frame["twin"] = frame["age"]
    syn = rp.synthesize(frame, m=1, seed=1)
    codes = {(event.code, event.column) for event in syn.events}
    assert ("constant_column", "same") in codes
    assert any(code == "equal_columns" for code, _ in codes)
    assert ("unused_level", "grade") in codes
    assert {(e["code"], e["column"]) for e in syn.manifest["events"]} == codes
    assert (syn[0]["same"] == 1.5).all()
    assert (syn[0]["twin"] == syn[0]["age"]).all()
    assert list(syn[0]["grade"].cat.categories) == ["low", "mid", "high", "top"]


@pytest.mark.parametrize("name", ["age", "region"])
def test_a_table_of_one_column(frame: pd.DataFrame, name: str) -> None:
    syn = rp.synthesize(frame[[name]], m=2, seed=1)
    assert "narrow_table" in {event.code for event in syn.events}
    assert set(syn[0][name]) <= set(frame[name])


def test_notes_of_methods_are_events_of_the_sets_and_of_the_release(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 80)
    separated = pd.DataFrame({"x": x, "g": np.where(x > 0, "a", "b"), "y": np.cos(9 * x)})
    settings = {"m": 2, "seed": 1, "method": {"g": "logreg", "y": "norm"}, "visit_sequence": ["x", "g", "y"]}
    sets = rp.synthesize(separated, **settings)
    [event] = [event for event in sets.events if event.code == "augmented"]
    assert event.column == "g"
    assert str(event).endswith("(2 fits)")
    assert sets.notes.to_dict("list") == {
        "imputation": [1, 2],
        "iteration": [0, 0],
        "column": ["g", "g"],
        "note": ["augmented", "augmented"],
        "times": [1, 1],
    }
    with pytest.raises(rp.SpecError, match="nothing was imputed"):
        sets.convergence()
    # One fit that all sets share is one.
    shared = rp.synthesize(separated, **settings, fits="shared")
    assert [str(event)[-7:] for event in shared.events if event.code == "augmented"] == ["(1 fit)"]
    # Written by the result itself, by the tasks of a job, or in partitions, it is the same event.
    sets.to_parquet(tmp_path / "sets")
    separated.to_parquet(tmp_path / "data.parquet")
    for name, more in (("job", ""), ("partitions", "\n  partition_rows: 40")):
        text = f"""
input: {{path: {tmp_path}/data.parquet}}
synthesis:
  m: 2
  seed: 1
  method: {{g: logreg, y: norm}}
  visit_sequence: [x, g, y]{more}
output: {{path: {tmp_path}/{name}}}
"""
        run_job(parse_job(text))
    found = {}
    for name in ("sets", "job", "partitions"):
        events = json.loads((tmp_path / name / "_manifest.json").read_text())["events"]
        found[name] = [one["message"][-8:] for one in events if one["code"] == "augmented"]
    assert found == {"sets": ["(2 fits)"], "job": ["(2 fits)"], "partitions": ["(4 fits)"]}


def test_a_level_that_occurs_once(frame: pd.DataFrame) -> None:
    frame["region"] = ["islands", *frame["region"][1:]]
    assert ("rare_level", "region") in {(e.code, e.column) for e in rp.synthesize(frame, m=1, seed=1).events}


def test_many_levels() -> None:
    """100,000 levels, each twice, beside a number that depends on them."""
    rng = np.random.default_rng(1)
    n = 200_000
    level = rng.permutation(np.repeat(np.arange(100_000), 2))
    many = pd.DataFrame(
        {"code": np.char.add("c", level.astype(str)), "x": np.round(level / 1000 + rng.normal(0, 1, n), 1)}
    )
    syn = rp.synthesize(many, m=1, seed=1, columns={"code": {"kind": "nominal"}})
    assert len(syn[0]) == n
    assert "many_levels" in {event.code for event in syn.events}


def test_views(frame: pd.DataFrame) -> None:
    frame.columns = ["age", "income", "<b>grade</b>", "region", "member", "since"]
    syn = rp.synthesize(frame, m=2, seed=987654321)
    assert "m=2" in repr(syn)
    assert "200 rows" in repr(syn)
    assert "income" in str(syn)
    page = syn._repr_html_()
    assert "<b>grade</b>" not in page
    assert "987654321" not in page + str(syn) + repr(syn)
    assert balanced(page)
    assert syn.codebook["age"].kind == "count"
    assert "draw imputations 1-2" in syn.graph()._repr_html_()


def test_the_graph_of_partitions_is_one_of_stages(frame: pd.DataFrame) -> None:
    syn = rp.synthesize(frame, m=2, seed=1, partition_rows=100)
    assert "shuffle rows, 1 chunk into 2 partitions; draw imputations 1-2" in syn.graph().pictures[0].description


def balanced(page: str) -> bool:
    """Whether every tag that is opened is closed, in order."""
    stack: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in {"br", "hr", "img", "meta", "path", "rect", "line", "polyline", "circle"}:
                stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if stack and stack[-1] == tag:
                stack.pop()

    Reader().feed(page)
    return not stack


# --- what goes in -----------------------------------------------------------------------------------------------------


def as_polars(frame: pd.DataFrame, folder: Path) -> Any:
    return pytest.importorskip("polars").from_pandas(frame)


def as_arrow(frame: pd.DataFrame, folder: Path) -> Any:
    return pa.Table.from_pandas(frame, preserve_index=False)


def as_parquet(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_parquet(folder / "data.parquet", index=False)
    return folder / "data.parquet"


def as_folder(frame: pd.DataFrame, folder: Path) -> Any:
    (folder / "data").mkdir()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.slice(0, 90), folder / "data" / "part-0.parquet")
    pq.write_table(table.slice(90), folder / "data" / "part-1.parquet")
    return str(folder / "data")


def as_csv(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_csv(folder / "data.csv", index=False)
    return str(folder / "data.csv")


def as_encoded(frame: pd.DataFrame, folder: Path) -> Any:
    return rp.encode_table(frame)


@pytest.mark.parametrize("given", [as_polars, as_arrow, as_parquet, as_folder, as_csv, as_encoded])
def test_every_kind_of_input_gives_the_same_tables(
    given: Callable[[pd.DataFrame, Path], Any], frame: pd.DataFrame, tmp_path: Path
) -> None:
    # CSV and Polars do not know ordered categories, nor CSV dates and their unit.
    plain = frame.drop(columns=["grade", "since"])
    expected = rp.synthesize(plain, m=2, seed=5)
    found = rp.synthesize(given(plain, tmp_path), m=2, seed=5)
    for one, other in zip(expected, found, strict=True):
        assert_frame_equal(one, other)


@pytest.mark.parametrize("given", [as_arrow, as_parquet, as_folder])
def test_arrow_inputs_keep_categories_and_dates(
    given: Callable[[pd.DataFrame, Path], Any], frame: pd.DataFrame, tmp_path: Path
) -> None:
    for one, other in zip(
        rp.synthesize(frame, m=2, seed=5), rp.synthesize(given(frame, tmp_path), m=2, seed=5), strict=True
    ):
        assert_frame_equal(one, other)


def test_a_frame_is_not_changed(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    syn = rp.synthesize(frame, m=1, seed=1)
    syn[0].loc[:, "age"] = 0
    assert_frame_equal(frame, before)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_must_be_a_positive_whole_number(threads: Any, frame: pd.DataFrame) -> None:
    with pytest.raises(rp.SpecError, match="threads"):
        rp.synthesize(frame, m=1, threads=threads)


def test_a_client_and_threads_exclude_each_other(frame: pd.DataFrame) -> None:
    with pytest.raises(rp.SpecError, match="client"):
        rp.synthesize(frame, m=1, client=object(), threads=2)


# --- the seed alone decides -------------------------------------------------------------------------------------------


def test_one_seed_one_result(frame: pd.DataFrame) -> None:
    one, same = (rp.synthesize(frame, m=2, seed=9) for _ in range(2))
    other = rp.synthesize(frame, m=2, seed=10)
    assert all(a.equals(b) for a, b in zip(one, same, strict=True))
    assert not one[0].equals(other[0])


def test_without_a_seed_each_run_is_new_and_can_be_repeated(frame: pd.DataFrame) -> None:
    one, other = (rp.synthesize(frame, m=1) for _ in range(2))
    assert one.plan.seed != other.plan.seed
    assert rp.synthesize(frame, m=1, seed=one.plan.seed)[0].equals(one[0])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"conditioning": "observed"},
        {"fits": "shared"},
        {"proper": True, "conditioning": "observed"},
        {"strata": "region", "min_stratum": 10},
        {"where": ["income > p80"]},
        {"k": 333},
    ],
    ids=str,
)
def test_threads_do_not_matter(
    settings: dict[str, Any], frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replicant.execution.executor.SMALL_SECONDS", 0.0)
    for threads in (1, 2, 4):
        rp.synthesize(frame, m=3, seed=4, threads=threads, **settings).to_parquet(tmp_path / str(threads))
    assert digests(tmp_path / "1") == digests(tmp_path / "2") == digests(tmp_path / "4")
    assert len(digests(tmp_path / "1")) >= 3


def test_a_release_holds_the_same_tables(frame: pd.DataFrame, tmp_path: Path) -> None:
    syn = rp.synthesize(frame, m=2, seed=4, strata="region", min_stratum=10)
    syn.to_parquet(tmp_path / "release")
    released = rp.read_release(tmp_path / "release")
    for one, other in zip(syn, released, strict=True):
        assert_frame_equal(one, other)
    assert rp.verify_release(tmp_path / "release").ok
    with pytest.raises(rp.ReleaseError, match="overwrite"):
        syn.to_parquet(tmp_path / "release")
    syn.to_parquet(tmp_path / "release", overwrite=True)
    internal = json.loads((tmp_path / "release-internal" / "_manifest.json").read_text())
    assert internal["seed"] == 4
    assert internal["spec"]["strata"] == "region"


def test_a_job_and_a_call_give_the_same_files(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    text = f"input: {{path: {tmp_path}/data.parquet}}\nsynthesis: {{m: 2, seed: 4}}\noutput: {{path: {tmp_path}/job}}"
    run_job(parse_job(text))
    rp.synthesize(frame, m=2, seed=4).to_parquet(tmp_path / "call")
    assert digests(tmp_path / "job") == digests(tmp_path / "call")


def test_a_look_does_not_change_what_is_released(frame: pd.DataFrame, tmp_path: Path) -> None:
    syn = rp.synthesize(frame, m=1, seed=4)
    syn.to_parquet(tmp_path / "before")
    syn[0].loc[:, "age"] = 0
    syn.to_parquet(tmp_path / "after")
    assert digests(tmp_path / "before") == digests(tmp_path / "after")


# --- small is quick ---------------------------------------------------------------------------------------------------


def test_a_small_table_needs_neither_dask_nor_rich_nor_a_thread() -> None:
    script = """
import sys, threading, pandas as pd, replicant as rp
frame = pd.DataFrame({"a": range(50), "b": [i % 7 for i in range(50)]})
syn = rp.synthesize(frame, m=3, seed=1, threads=4)
list(syn)
heavy = {"dask", "distributed", "rich", "click", "statsmodels", "fsspec"} & set(sys.modules)
assert not heavy, heavy
assert not [one for one in threading.enumerate() if "replicant" in one.name or "Pool" in one.name]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_sets_in_the_frames_of_other_libraries(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    data = polars.DataFrame({"x": [1.5, 2.5, None] * 20, "word": ["a", "b", "c"] * 20, "count": [7, 7, 9] * 20})
    syn = rp.synthesize(data, m=2, seed=1)
    syn.to_parquet(tmp_path / "release")
    for sets in (syn, rp.read_release(tmp_path / "release")):
        assert all(one is other for one, other in zip(sets.frames(), sets, strict=True))
        for i, (table, frame) in enumerate(zip(sets.frames("arrow"), sets.frames("polars"), strict=True), 1):
            [file] = (tmp_path / "release" / f"imputation={i:02d}").glob("*.parquet")
            assert table.equals(pq.read_table(file, partitioning=None))
            assert frame.equals(polars.read_parquet(file, hive_partitioning=False))
            assert frame.schema["count"] == data.schema["count"]
    with pytest.raises(rp.SpecError, match="did you mean 'polars'"):
        syn.frames("polar")  # type: ignore[arg-type]
