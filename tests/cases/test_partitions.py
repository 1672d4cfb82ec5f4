"""A partitioned release tells of the whole table, as one made in memory does."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import replicant as rp
from replicant.execution.backend import Backend
from replicant.run import chunks
from replicant.run.job import run_job
from replicant.spec.load import parse_job

N = 4000
COLUMN_KEYS = ("name", "kind", "dtype", "method", "parametric", "synthesized", "decimals", "levels", "level_count")


def people() -> pd.DataFrame:
    """Rare things, of which most partitions hold none: they are constant there, or whole, or short."""
    rng = np.random.default_rng(11)
    rare = np.zeros(N, dtype=np.int64)
    rare[:3] = 1
    x = rng.normal(50, 10, N).round(1)
    holes = rng.normal(size=N).round(2)
    holes[[5, 9]] = np.nan
    coded = rng.integers(1, 9, N)
    coded[7] = -8
    other = rng.integers(0, 40, N)
    word = np.array(["no"] * N, dtype=object)
    word[100] = "yes"
    price = [Decimal(f"{value:.2f}") for value in rng.random(N)]
    price[17] = Decimal("98765.25")
    moment = pd.Series(np.datetime64("2020-01-01", "s") + rng.integers(0, 300, N) * np.timedelta64(86_400, "s"))
    when = moment.copy()
    when[3] += pd.Timedelta(hours=5)
    return pd.DataFrame(
        {
            "rare": rare,
            "x": x,
            "same": x,
            "holes": holes,
            "coded": coded,
            "word": word,
            "constant": 7,
            "price": price,
            "day": moment,
            "when": when,
            "other": other,
            "total": x + other,
        }
    )


def release_of(frame: pd.DataFrame, folder: Path, rows: int | None, **synthesis: Any) -> rp.Release:
    frame.to_parquet(folder / "data.parquet", index=False, row_group_size=500)
    target = folder / f"release-{rows}"
    document = {
        "input": {"path": str(folder / "data.parquet")},
        "columns": {"coded": {"missing_codes": [-8]}},
        "synthesis": {"m": 2, "seed": 3, "minbucket": 50, "partition_rows": rows, **synthesis},
        "output": {"path": str(target)},
    }
    run_job(parse_job(json.dumps(document)), Backend(threads=1))
    return rp.read_release(target)


@pytest.mark.parametrize(
    "synthesis",
    [{}, {"passive": {"total": "x + other"}}, {"method": "sample"}, {"where": ["x > 40"]}, {"method": {"x": "keep"}}],
)
def test_manifests_agree_in_everything_per_column(
    synthesis: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 700)
    frame = people()
    whole, cut = (release_of(frame, tmp_path, rows, **synthesis) for rows in (None, 900))
    told, found = (
        [{key: column.get(key) for key in COLUMN_KEYS} for column in release.manifest["columns"]]
        for release in (whole, cut)
    )
    assert found == told
    constants = {"constant_column", "all_missing", "equal_columns"}
    events = [
        {(event.code, event.column) for event in release.events if event.code in constants} for release in (whole, cut)
    ]
    assert events[0] == events[1] == {("constant_column", "constant"), ("equal_columns", "same")}
    assert len(cut.manifest["files"]) > len(whole.manifest["files"])
    files = [pq.read_schema(path) for path in tmp_path.glob("release-*/imputation=*/*.parquet")]
    assert all(schema.equals(files[0], check_metadata=True) for schema in files)


def test_a_binary_column_with_three_ones_is_planned_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 700)
    release = release_of(people(), tmp_path, 400)
    rare = next(column for column in release.manifest["columns"] if column["name"] == "rare")
    assert (rare["method"], rare["parametric"]) == ("cart", False)
    assert not [event for event in release.events if event.column == "rare" and "same value" in event.message]


def test_strata_in_which_a_column_is_constant_are_planned_as_the_whole() -> None:
    frame = people().assign(region=np.where(np.arange(N) < 2000, "a", "b"))
    frame.loc[frame["region"] == "b", "word"] = "no"
    drawn = rp.synthesize(frame, m=2, seed=1, strata="region", minbucket=50)
    whole = rp.synthesize(frame, m=2, seed=1, minbucket=50)
    methods = [
        {column["name"]: column["method"] for column in one.manifest["columns"] if column["name"] != "region"}
        for one in (drawn, whole)
    ]
    assert methods[0] == methods[1]
    assert set(drawn[0].loc[drawn[0]["region"] == "b", "word"]) == {"no"}


def two_releases(
    frame: pd.DataFrame, folder: Path, rows: int = 250, columns: dict[str, Any] | None = None, **synthesis: Any
) -> list[rp.Release]:
    """The same job in memory and in parts."""
    frame.to_parquet(folder / "data.parquet", index=False, row_group_size=100)
    out = []
    for part in (None, rows):
        document = {
            "input": {"path": str(folder / "data.parquet")},
            "columns": columns or {},
            "synthesis": {"m": 2, "seed": 3, "partition_rows": part, **synthesis},
            "output": {"path": str(folder / f"release-{part}")},
        }
        run_job(parse_job(json.dumps(document)), Backend(threads=1))
        out.append(rp.read_release(document["output"]["path"]))
    return out


def labelled() -> pd.DataFrame:
    """Columns that follow from one another, among them such with a level that only one part holds."""
    rng = np.random.default_rng(4)
    n = 1000
    code = rng.integers(1, 4, n)
    code[17] = 9
    text = pd.Series(code).map({1: "a", 2: "b", 3: "c", 9: "z"})
    return pd.DataFrame(
        {
            "inch": (x := rng.normal(60, 5, n).round(1)),
            "code": code,
            "text": text,
            "german": text.map({"a": "eins", "b": "fuenf", "c": "neun", "z": "zehn"}),
            "backward": text.map({"a": "z", "b": "y", "c": "x", "z": "w"}),
            "cm": x * 2.54,
            "nearly": np.where(np.arange(n) == 500, x + 1, x),
        }
    )


def rare() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 1000
    once = np.zeros(n, dtype=np.int64)
    once[3] = 1
    spiky = rng.normal(5, 1, n).round(2)
    spiky[:3] = 0
    coded = rng.choice(["1", "2", "3"], n).astype(object)
    coded[5] = "9"
    return pd.DataFrame(
        {
            "once": once,
            "flag": once == 1,
            "word": np.where(once == 1, "yes", "no"),
            "spiky": spiky,
            "coded": coded,
            "plan": rng.choice(["lo", "mid", "hi"], n),
            "many": [f"k{value}" for value in rng.integers(0, 6000, n)],
            "empty": pd.Series([None] * n, dtype=object),
            "grade": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "hi", "never"], ordered=True),
        }
    )


def sums() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    n = 1000
    x, y = rng.normal(50, 10, n).round(1), rng.integers(0, 9, n)
    region = rng.choice(["north", "south"], n)
    near, whole = x + y + (np.arange(n) % 7 == 0), (x + y).round().astype(int)
    return pd.DataFrame({"x": x, "y": y, "near": near, "whole": whole, "region": region, "seldom": np.arange(n) == 7})


RARE = {
    "spiky": {"spike": [0, 77]},
    "coded": {"kind": "ordered", "levels": ["3", "2", "1"], "missing_codes": ["9", "8"]},
    "plan": {"kind": "ordered"},
}


@pytest.mark.parametrize(
    ("make", "columns", "synthesis"),
    [
        (labelled, {}, {}),
        (labelled, {"german": {"kind": "nominal", "levels": ["zehn", "neun", "fuenf", "eins", "elf"]}}, {}),
        (labelled, {}, {"visit_sequence": ["text", "backward", "nearly", "cm"]}),
        (rare, RARE, {}),
        (sums, {}, {"passive": {"near": "x + y", "whole": "x + y"}}),
        (sums, {}, {"strata": "region", "method": {"y": "keep"}}),
        (sums, {}, {"strata": "region", "k": 700, "minbucket": 60}),
        (sums, {}, {"where": {"x": "seldom == 'True' or x > 71", "y": "x > 0"}, "passive": {"near": "x + y"}}),
        (sums, {}, {"where": ["x > 40", "y >= 0"], "passive": {"near": "y + 1"}, "strata": "region"}),
        (lambda: sums()[["x"]], {}, {}),
    ],
)
def test_releases_say_the_same(
    make: Callable[[], pd.DataFrame],
    columns: dict[str, Any],
    synthesis: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 200)
    whole, cut = two_releases(make(), tmp_path, columns=columns, **synthesis)
    told, found = (
        [{key: column.get(key) for key in (*COLUMN_KEYS, "inputs")} for column in release.manifest["columns"]]
        for release in (whole, cut)
    )
    assert found == told
    # How many partitions there are is all that differs.
    assert _events(cut) == _events(whole)


def _events(release: rp.Release) -> list[tuple[str, str, str]]:
    return sorted((event.code, event.column, event.message) for event in release.events if event.code != "no_split")


def test_what_follows_in_every_row_follows_in_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 200)
    frame = labelled()
    _, cut = two_releases(frame, tmp_path)
    methods = {column["name"]: column["method"] for column in cut.manifest["columns"]}
    assert {name for name, method in methods.items() if method == "copy"} == {"text", "german", "cm"}
    known = set(frame[["code", "text", "german"]].itertuples(index=False, name=None))
    for i in range(2):
        assert set(cut[i][["code", "text", "german"]].itertuples(index=False, name=None)) <= known
        np.testing.assert_allclose(cut[i]["cm"], cut[i]["inch"] * 2.54, rtol=1e-12)


def test_rules_select_what_they_say_in_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 200)
    frame = sums().drop(columns=["near", "whole"]).assign(row=np.arange(1000) / 4)
    _, cut = two_releases(frame, tmp_path, where={"x": "seldom == 'True' or row > 247.5", "y": "x > -1"})
    for i in range(2):
        drawn = cut[i].sort_values("row", ignore_index=True)
        stays = (drawn["row"] <= 247.5) & ~drawn["seldom"]
        assert drawn.loc[stays, "x"].tolist() == frame.loc[stays, "x"].tolist()
        assert drawn["row"].tolist() == frame["row"].tolist()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["x > 1000"], "the rule 'x > 1000' selects no cell"),
        ({"y": "x > 40", "x": "y > 99"}, "the rule 'y > 99' selects no cell"),
        ({"y": "x > 40", "region": "x > 0"}, "'region', which is a stratum"),
        (["nosuch > 1"], "'nosuch', which is not a column"),
        (["x >> 1"], "position"),
    ],
)
def test_rules_are_refused_as_in_memory(
    where: Any, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 200)
    sums().to_parquet(tmp_path / "data.parquet", index=False, row_group_size=100)
    said = []
    for rows in (None, 250):
        document = {
            "input": {"path": str(tmp_path / "data.parquet")},
            "synthesis": {"m": 1, "seed": 1, "partition_rows": rows, "strata": "region", "where": where},
            "output": {"path": str(tmp_path / "release")},
        }
        with pytest.raises(rp.SpecError) as error:
            run_job(parse_job(json.dumps(document)), Backend(threads=1))
        said.append(str(error.value))
    assert said[0] == said[1]
    assert found in said[0]
    assert not (tmp_path / "release").exists()


def test_few_rows_of_some_partitions_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 200)
    whole, cut = two_releases(sums(), tmp_path, minbucket=200)
    assert not [event for event in whole.events if event.code == "no_split"]
    (event,) = [event for event in cut.events if event.code == "no_split"]
    assert event.message.startswith("4 of 4 partitions have fewer than the 600 rows a tree needs to split")


def test_a_rule_for_complete_synthesis_is_refused_where_some_cells_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 700)
    release = release_of(people(), tmp_path, 900, where={"x": "other > 20", "other": "x > 50"})
    with pytest.raises(rp.SpecError, match="only where every analysed column is synthesized in every row"):
        release.analyse("ols", "x ~ other").pool(rule="raab2016_simple")
