"""A column that says in each row that it is synthetic: every file has it, nothing that reads a release here sees it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError


def people(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"age": rng.integers(18, 90, rows), "region": rng.choice(["north", "south"], rows)})
    return frame.assign(income=rng.normal(2000, 300, rows).round(2) + 10 * frame["age"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sets with the column, in every format, and without it."""
    folder = tmp_path_factory.mktemp("flag")
    sets = rp.synthesize(people(), m=2, seed=1)
    sets.to_parquet(folder / "plain")
    sets.to_parquet(folder / "release", flag=True, copies=["csv", "sav", "dta", "xlsx"], helpers=["r", "stata"])
    return folder


def test_every_file_has_it(written: Path) -> None:
    folder = written / "release"
    assert rp.verify_release(folder).ok
    read = {
        "csv": pd.read_csv,
        "sav": pd.read_spss,
        "dta": pd.read_stata,
        "xlsx": lambda path: pd.read_excel(path, engine="calamine"),
    }
    files = {folder / "imputation=01" / "part-0.parquet": pd.read_parquet} | {
        folder / "_copies" / form / "imputation=01" / f"part-0.{form}": reader for form, reader in read.items()
    }
    for file, reader in files.items():
        frame = reader(file)
        assert list(frame) == ["age", "region", "income", "synthetic"], file.suffix
        assert len(set(frame["synthetic"])) == 1, file.suffix
        assert str(frame["synthetic"].iloc[0]).upper() in {"TRUE", "1", "1.0"}, file.suffix
    assert json.loads((folder / "_manifest.json").read_text())["flag"] == "synthetic"
    assert '"synthetic"' in (folder / "_scripts" / "analyse.R").read_text()
    assert "generate byte synthetic" in (folder / "_scripts" / "analyse.do").read_text()


def test_nothing_here_sees_it(written: Path) -> None:
    flagged, plain = rp.read_release(written / "release"), rp.read_release(written / "plain")
    assert flagged.names == ("age", "region", "income")
    for one, other in zip(flagged, plain, strict=True):
        pd.testing.assert_frame_equal(one, other)
    for one, other in zip(flagged.frames("arrow"), plain.frames("arrow"), strict=True):
        assert one.column_names == other.column_names
    pd.testing.assert_frame_equal(
        flagged.analyse("ols", "income ~ age + region").pool().frame,
        plain.analyse("ols", "income ~ age + region").pool().frame,
    )
    assert flagged.to_dask().columns.to_list() == ["imputation", "age", "region", "income"]
    found = rp.utility(people(), flagged, effort="quick")
    assert not [event for event in found.findings if event.column == "synthetic"]


def test_a_codebook_lists_it(written: Path) -> None:
    rp.dossier(written / "release")
    lines = (written / "release-dossier" / "codebook.csv").read_text().splitlines()
    assert lines[-1].startswith("synthetic,Whether the row is synthetic")
    schema = json.loads((written / "release-dossier" / "csv-metadata.json").read_text())["tables"][-1]["tableSchema"]
    assert [column["titles"] for column in schema["columns"]] == ["age", "region", "income", "synthetic"]


def test_in_partitions_and_by_another_name(tmp_path: Path) -> None:
    from replicant.run.job import run_job
    from replicant.spec.load import parse_job

    people(400).to_parquet(tmp_path / "people.parquet")
    job = {
        "input": {"path": str(tmp_path / "people.parquet")},
        "synthesis": {"m": 2, "seed": 1, "partition_rows": 200},
        "output": {"path": str(tmp_path / "release"), "flag": "made_up", "csv": True},
    }
    run_job(parse_job(json.dumps(job)))
    part = pd.read_parquet(tmp_path / "release" / "imputation=02" / "part-1.parquet")
    assert part["made_up"].all()
    assert "made_up" in (tmp_path / "release" / "_copies/csv/imputation=02/part-1.csv").read_text().splitlines()[0]
    assert rp.read_release(tmp_path / "release").stack().shape == (800, 4)


def test_its_name_must_be_free(tmp_path: Path) -> None:
    sets = rp.synthesize(people().rename(columns={"income": "synthetic"}), m=2, seed=1)
    with pytest.raises(SpecError, match=r"output\.flag is 'synthetic'"):
        sets.to_parquet(tmp_path / "release", flag=True)
    assert not list(tmp_path.iterdir())
