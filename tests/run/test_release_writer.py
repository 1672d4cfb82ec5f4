"""What is written does not depend on who writes it: Parquet, CSV, scripts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from replicant.execution.executor import ThreadExecutor
from replicant.plan import Plan
from replicant.release import read_release, verify_release
from replicant.run.in_memory import run_plan
from replicant.run.release_writer import writing
from replicant.table import Table


def write(plan: Plan, table: Table, target: Path, threads: int, **extras: Any) -> dict[str, str]:
    with writing(plan, table, str(target), **extras) as writer:
        writer.written.extend(run_plan(plan, table, ThreadExecutor(threads), sink=writer.sink))
    assert verify_release(target).ok
    return {
        str(path.relative_to(target)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in target.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("cut", ["columns", "groups", "draws"])
def test_the_same_files_however_they_are_made(cut: str, table: Table, plan_for: Any, tmp_path: Path) -> None:
    extras: dict[str, Any] = {"copies": ["csv"], "helpers": ["r", "stata"]}
    settings = {"strata": "region", "min_stratum": 20}
    whole = write(plan_for(**settings), table, tmp_path / "whole", 1, **extras)
    threaded = write(plan_for(cut, **settings), table, tmp_path / "threaded", 2, **extras)
    assert whole.keys() == threaded.keys()
    assert {name for name in whole if whole[name] != threaded[name]} <= {"_manifest.json", "_SUCCESS"}  # another day
    assert len(whole) == 3 * 3 * 2 + 2 + 2


def test_nothing_but_parquet_unasked(table: Table, plan_for: Any, tmp_path: Path) -> None:
    files = write(plan_for(), table, tmp_path / "plain", 1)
    assert set(files) == {*(f"imputation=0{i}/part-0.parquet" for i in (1, 2, 3)), "_manifest.json", "_SUCCESS"}
    assert not {"copies", "helpers"} & read_release(tmp_path / "plain").manifest.keys()


def test_csv_without_scripts_and_a_script_without_csv(table: Table, plan_for: Any, tmp_path: Path) -> None:
    plain = write(plan_for(), table, tmp_path / "plain", 1)
    sheets = write(plan_for(), table, tmp_path / "csv", 1, copies=["csv"])
    script = write(plan_for(), table, tmp_path / "r", 1, helpers=["r"])
    assert sheets.keys() - plain.keys() == {f"_copies/csv/imputation=0{i}/part-0.csv" for i in (1, 2, 3)}
    assert script.keys() - plain.keys() == {"_scripts/analyse.R"}
    for name in plain:
        if name.endswith(".parquet"):
            assert plain[name] == sheets[name] == script[name]


def test_what_goes_wrong_in_a_script_leaves_nothing(
    table: Table, plan_for: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any) -> str:
        raise RuntimeError

    monkeypatch.setattr("replicant.release.helper_text", failing)
    with pytest.raises(RuntimeError):
        write(plan_for(), table, tmp_path / "r", 1, copies=["csv"], helpers=["r"])
    assert list(tmp_path.iterdir()) == []
