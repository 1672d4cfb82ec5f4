"""A partitioned release tells of the whole table, as one made in memory does."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import replicant as rp
from replicant.run import parted
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
    given: dict[str, Any] = {"path": str(folder / "data.parquet")} | ({} if rows is None else {"part_rows": rows})
    target = folder / f"release-{rows}"
    document = {
        "input": given,
        "columns": {"coded": {"missing_codes": [-8]}},
        "synthesis": {"m": 2, "seed": 3, "minbucket": 50, **synthesis},
        "output": {"path": str(target)},
    }
    run_job(parse_job(json.dumps(document)), threads=1)
    return rp.read_release(target)


@pytest.mark.parametrize(
    "synthesis",
    [{}, {"passive": {"total": "x + other"}}, {"method": "sample"}, {"where": ["x > 40"]}, {"method": {"x": "keep"}}],
)
def test_manifests_agree_in_everything_per_column(
    synthesis: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parted, "CHUNK_ROWS", 700)
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
    monkeypatch.setattr(parted, "CHUNK_ROWS", 700)
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


def test_what_was_counted_in_one_part_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parted, "CHUNK_ROWS", 700)
    release = release_of(people(), tmp_path, 900, passive={"total": "x + 2 * other"})
    (event,) = [event for event in release.events if event.code == "passive_differs"]
    assert "counted in one part" in event.message


def test_a_rule_for_complete_synthesis_is_refused_where_some_cells_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parted, "CHUNK_ROWS", 700)
    release = release_of(people(), tmp_path, 900, where={"x": "other > 20", "other": "x > 50"})
    with pytest.raises(rp.SpecError, match="only where every analysed column is synthesized in every row"):
        release.analyse("ols", "x ~ other").pool(rule="raab2016_simple")
