"""The code of the analyst guide runs, and says the same in Python and in R."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.dossier.write import write_dossier

from .conftest import rewrite

RSCRIPT = shutil.which("Rscript")
FORMULA = "income ~ age + region"
COLUMNS = {"estimate": "estimate", "std.error": "std_error", "df": "df", "conf.low": "conf_low"}


def run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pooled_in_r(folder: Path) -> pd.DataFrame:
    assert RSCRIPT is not None
    code = 'invisible(capture.output(source("guide.R"))); write.csv(format(pooled, digits = 15), row.names = FALSE)'
    out = folder / "pooled.csv"
    out.write_text(run([RSCRIPT, "--vanilla", "-e", code], folder), encoding="utf-8")
    return pd.read_csv(out)


def expected(release: Path) -> pd.DataFrame:
    return rp.read_release(release).analyse("ols", FORMULA).pool().frame


@pytest.fixture
def folder(release: Path) -> Path:
    write_dossier(release)
    return release.with_name("release-dossier")


def test_python_prints_what_is_pooled(folder: Path, release: Path) -> None:
    text = run([sys.executable, "guide.py"], folder)
    assert FORMULA in (folder / "guide.py").read_text()
    for estimate in expected(release)["estimate"]:
        assert f"{estimate:.6f}" in text


@pytest.mark.skipif(RSCRIPT is None, reason="no Rscript on this machine")
@pytest.mark.parametrize("helper", [True, False])
def test_r_says_the_same(release: Path, helper: bool) -> None:
    if not helper:  # by the CSV files alone
        rewrite(release, lambda manifest: manifest.pop("helpers"))
    write_dossier(release)
    folder = release.with_name("release-dossier")
    assert ("source(" in (folder / "guide.R").read_text()) == helper
    theirs, ours = pooled_in_r(folder), expected(release)
    assert list(theirs["term"]) == list(ours["term"])
    for one, other in COLUMNS.items():
        np.testing.assert_allclose(theirs[one], ours[other], rtol=1e-8)


def test_stata_goes_by_the_script_of_the_release(folder: Path) -> None:
    lines = (folder / "guide.do").read_text().splitlines()
    assert lines[:2] == ['cd "../release"', 'do "_scripts/analyse.do"  // one dataset of all sets, and pool_syn']
    assert lines[-1].startswith("pool_syn regress income age i.region  //")


def test_without_a_rule_nothing_is_pooled(release: Path) -> None:
    def partly(manifest: dict[str, object]) -> None:
        manifest.update(m=1, files=manifest["files"][:1], copies=manifest["copies"][:1])  # type: ignore[index]
        manifest["config"]["conditioning"] = "observed"  # type: ignore[index]
        for column in manifest["columns"]:  # type: ignore[attr-defined]
            column["synthesized"] = "some"

    rewrite(release, partly)
    rewrite(release.with_name("release-internal"), lambda manifest: manifest.update(files=manifest["files"][:1]))
    write_dossier(release)
    folder = release.with_name("release-dossier")
    assert "pool" not in (folder / "guide.py").read_text()
    assert "No pooling rule holds for these sets" in (folder / "guide.html").read_text()
    run([sys.executable, "guide.py"], folder)
