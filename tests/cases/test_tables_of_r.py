"""Two tables of R's packages, as R's haven writes them, from the command line alone: no line of a job is edited.

`survey` of MASS is a file of Stata, `lung` of survival one of SPSS. What R says of their columns is what must be
proposed; what is released is held to R's figures, and pooled estimates to R's own of the real rows.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from replicant import read_release
from replicant.cli.main import main

SCRIPT = Path(__file__).with_name("tables_of_r.R")

# By hand, from the help pages of the packages: what is counted in whole numbers, none negative, and what is measured.
COUNTS = {"Pulse", "inst", "time", "age", "ph.ecog", "ph.karno", "pat.karno", "meal.cal"}
SCORES = {"ph.ecog": [0, 1, 2, 3]}
"""A score without labels: its steps are an order."""

MISSING = {"Pulse": ([-901], [".a: not measured"]), "meal.cal": ([-9], ["not asked"])}
MODELS = {
    "survey": ["--formula", "Height ~ Sex + Wr_Hnd"],
    "lung": ["--model", "phreg", "--formula", "time ~ age + sex", "--option", "status=status"],
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the two files, and of what R says of them."""
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript on this machine")
    folder = tmp_path_factory.mktemp("tables")
    done = subprocess.run(["Rscript", str(SCRIPT), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        assert "no package called" in done.stderr, done.stderr
        pytest.skip("R lacks a package (Debian: r-cran-haven r-cran-jsonlite r-cran-mass r-cran-survival)")
    return folder


@pytest.fixture
def signals() -> Iterator[None]:
    """The command line takes a signal of its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def kind_of(name: str, told: dict[str, Any]) -> str:
    """The kind of a column, by what R says of it."""
    if told["levels"]:
        return "binary" if len(told["levels"]) == 2 else "nominal"
    return "ordered" if name in SCORES else "count" if name in COUNTS else "continuous"


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(("name", "ending"), [("survey", "dta"), ("lung", "sav")])
def test_a_table_of_r(
    name: str, ending: str, tables: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tables)
    told = json.loads(Path("tables.json").read_text())[name]

    def command(*args: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(args))
        done = capsys.readouterr()
        assert not left.value.code, done.err
        return done.out

    command("inspect", f"{name}.{ending}", "--job", f"{name}.yaml")
    columns = yaml.safe_load(Path(f"{name}.yaml").read_text())["columns"]
    assert {key: said["kind"] for key, said in columns.items()} == {
        key: kind_of(key, known) for key, known in told["columns"].items()
    }
    for key, known in told["columns"].items():
        assert columns[key].get("levels", []) == (known["levels"] or SCORES.get(key, [])), key

    command("run", f"{name}.yaml", "--set", "synthesis.seed=1", "--quiet")
    command("verify", f"{name}-release")
    entries = {entry["name"]: entry for entry in read_release(f"{name}-release").manifest["columns"]}
    for key, known in told["columns"].items():
        entry = entries[key]
        assert (entry.get("missing_codes", []), entry.get("missing_labels", [])) == MISSING.get(key, ([], [])), key
        assert entry.get("label") == known["label"]
    resembles(name, told["columns"])

    pooled = command("pool", f"{name}-release", *MODELS[name], "--csv")
    rows = list(csv.DictReader(io.StringIO(pooled)))
    assert [row["term"] for row in rows] == told["model"]["names"]
    for row, estimate in zip(rows, told["model"]["estimates"], strict=True):
        # The estimate of the real rows has an error of its own, about that of a set.
        assert abs(float(row["estimate"]) - estimate) < 4 * float(row["std_error"])


def resembles(name: str, columns: dict[str, dict[str, Any]]) -> None:
    """Means, shares and missing cells of each set are those of R, but for the draws."""
    for frame in read_release(f"{name}-release"):
        n = len(frame)
        for key, known in columns.items():
            codes, _ = MISSING.get(key, ([], []))
            gone = frame[key].isna() | frame[key].isin(codes)
            share = known["missing"] / n
            # Five standard errors of a draw of rows, and a cell.
            assert abs(gone.mean() - share) <= 5 * np.sqrt(share * (1 - share) / n) + 1 / n, key
            there = frame[key][~gone]
            if known["levels"]:
                found = there.value_counts(normalize=True).reindex(known["levels"], fill_value=0.0).to_numpy(float)
                shares = np.array(known["shares"])
                assert (np.abs(found - shares) <= 5 * np.sqrt(shares * (1 - shares) / len(there)) + 1 / n).all(), key
            else:
                assert abs(there.astype(float).mean() - known["mean"]) <= 5 * known["sd"] / np.sqrt(len(there)), key
