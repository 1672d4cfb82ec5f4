"""Bulks and drift on the command line: what is printed, the exit codes, and the way on after each of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp

from ..commands import CANARY_TEXT, Command

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
BULK = """\
bulk:
  matrix: {year: [2020, 2021], region: [north, south]}
  drift: year
input: {path: "in/{region}-{year}.csv"}
columns: {word: {kind: nominal}}
synthesis: {m: 2, seed: 5}
output: {path: "out/{region}/{year}"}
"""


@pytest.fixture
def tables(place: Path, frame: pd.DataFrame) -> Path:
    """Four tables and their bulk, `bulk.yaml`."""
    (place / "in").mkdir()
    for i, name in enumerate(["north-2020", "north-2021", "south-2020", "south-2021"]):
        frame.assign(height=np.roll(frame["height"], i)).to_csv(f"in/{name}.csv", index=False)
    (place / "bulk.yaml").write_text(BULK)
    return place


def test_from_plan_to_verify_with_a_failure_between(tables: Path, replicant: Command) -> None:
    whole = Path("in/south-2021.csv").read_text()
    Path("in/south-2021.csv").write_text(whole.replace("\n", f"\n{CANARY_TEXT}\n", 1))

    planned = replicant("plan", "bulk.yaml")
    assert planned.code == 4
    assert "4 releases: 3 to be made, 1 cannot be made." in planned.out
    assert "2021-south: " in planned.err
    assert not Path("out").exists()
    drawn = replicant("plan", "bulk.yaml", "--graph", "tasks.svg")
    assert (drawn.code, drawn.out, Path("tasks.svg").exists()) == (2, "", False)
    dry = replicant("run", "bulk.yaml", "--dry-run")
    assert (dry.code, dry.out) == (4, planned.out)
    assert not Path("out").exists()

    ran = replicant("run", "bulk.yaml")
    assert ran.code == 4
    assert "4 releases: 3 released, 1 failed; 1 pair of neighbours compared" in ran.out
    assert "1 of 4 releases failed, 3 are there." in ran.err
    assert "2021-south: " in ran.err.split("replicant: ")[1]
    checked = replicant("verify", "out")
    assert checked.code == 1
    assert "2021-south: not released" in checked.err
    assert "3 of 4 releases whole" in checked.out

    assert "3 unchanged, 1 failed" in replicant("run", "bulk.yaml").out
    Path("in/south-2021.csv").write_text(whole)
    done = replicant("resume", "out", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert "4 unchanged; 2 pairs" in replicant("run", "bulk.yaml").out
    assert "4 releases: 4 up to date." in replicant("plan", "bulk.yaml").out
    assert replicant("verify", "out").out.startswith("out: 4 of 4 releases whole and unchanged (8 files")
    assert replicant("verify", "out/south/2021").code == 0

    # A release that was exchanged for another whole one is not the one of the index.
    Path("out/south/2021").rename("out/south/kept")
    Path("out/south/2020").rename("out/south/2021")
    swapped = replicant("verify", "out")
    assert swapped.code == 1
    assert "2021-south: _manifest.json: not the one that the index lists" in swapped.err


def test_only_comparisons_that_took_place_count(
    tables: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from replicant.bulk import tasks

    genuine = tasks.drift

    def drift(a: rp.release.Release, b: rp.release.Release, **options: tuple[str, str]) -> object:
        if "south" in a.url:
            raise rp.DataError("column 'word' is of another kind in each", need="columns of one kind")
        return genuine(a, b, **options)

    monkeypatch.setattr(tasks, "drift", drift)
    ran = replicant("run", "bulk.yaml", "--threads", 1)
    assert ran.code == 4
    assert "4 releases: 4 released; 1 pair of neighbours compared, 1 could not be" in ran.out
    assert "1 of 2 comparisons of neighbours failed." in ran.err
    assert "2020-south, 2021-south: column 'word' is of another kind in each; Needed: columns of one kind" in ran.err
    public, secret = (json.loads(Path(folder, "index.json").read_text()) for folder in ("out", "out-internal"))
    assert [one.get("failure") for one in public["drift"]] == [None, "DataError"]
    assert "of another kind" not in json.dumps(public)
    assert "of another kind" in secret["not_compared"]["2020-south, 2021-south"]
    assert "of another kind" in Path("out-internal/index.html").read_text()

    # What failed is tried again by the next run, and by nothing else.
    assert replicant("run", "bulk.yaml", "--threads", 1).code == 4
    monkeypatch.setattr(tasks, "drift", genuine)
    again = replicant("run", "bulk.yaml", "--threads", 1)
    assert (again.code, "4 unchanged; 2 pairs of neighbours compared\n" in again.out) == (0, True)


def test_errors_of_the_document_are_errors_of_usage(tables: Path, replicant: Command) -> None:
    wrong = replicant("run", "bulk.yaml", "--set", "bulk.drift=yaer")
    assert wrong.code == 2
    assert "did you mean 'year'" in wrong.err
    assert replicant("run", "bulk.yaml", "--set", "bulk.matrix.year=[2020]", "-q").code == 0
    index = json.loads(Path("out/index.json").read_text())
    assert [entry["name"] for entry in index["releases"]] == ["2020-north", "2020-south"]


def test_drift_as_text_table_json_and_page(tables: Path, replicant: Command) -> None:
    assert replicant("run", "bulk.yaml", "-q").code == 0
    words = ("drift", "out/north/2020", "out/north/2021")
    text = replicant(*words)
    assert text.code == 0
    assert text.out.startswith("2020 to 2021: 2 pairs of sets of 60 and 60 rows")
    assert "height" in text.out
    found = json.loads(replicant(*words, "--json").out)
    frame = pd.read_csv(pd.io.common.StringIO(replicant(*words, "--csv").out))
    assert list(frame["column"]) == [term["column"] for term in found["terms"]]
    assert replicant(*words, "-o", "drift.html").out == "drift.html\n"
    assert "Drift from 2020 to 2021" in Path("drift.html").read_text()
    assert replicant("drift", "out/north/2020", "nowhere").code == 1


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 4), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_signal_ends_it_and_the_same_line_goes_on(how: signal.Signals, code: int, tables: Path) -> None:
    """One release is large enough to be caught at; what is finished then is kept, and the end is that of no signal."""
    rng = np.random.default_rng(1)
    big = pd.DataFrame({f"c{i}": rng.normal(size=8_000).round(3) for i in range(5)})
    big.to_csv("in/south-2021.csv", index=False)
    words = [
        sys.executable,
        "-m",
        "replicant.cli.main",
        "run",
        "bulk.yaml",
        "--threads",
        "1",
        "--set",
        "bulk.drift=null",
    ]
    words += ["--set", "synthesis.m=20", "--set", "columns={}"]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(Path("out").glob("south/.2021.*.partial/imputation=*/*.parquet")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "Traceback" not in said
    kept = {str(path): path.stat().st_mtime_ns for path in Path("out").rglob("part-0.parquet")}
    assert len([name for name in kept if "south/2021/" not in name]) >= 60
    assert not Path("out/south/2021").exists()
    again = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "1 released, 3 unchanged" in again.stdout
    assert sorted(path.name for path in Path("out/south").iterdir()) == ["2020", "2021"]
    drawn = {path.name: path.stat().st_mtime_ns for path in Path("out/south/2021").iterdir()}
    assert len(drawn) == 22


def test_warnings_of_each_release_survive_quiet_with_its_name(
    tables: Path, replicant: Command, frame: pd.DataFrame
) -> None:
    """Of those in memory on threads, of one in parts, and in the log; who is not quiet has them below the table."""
    panel = frame.drop(columns="word").assign(pid=np.repeat(np.arange(1_000, 1_030), 2))
    panel.to_csv("in/north-2020.csv", index=False)
    panel.to_parquet("in/panel.parquet", row_group_size=20)
    parts = (
        "{for: {year: 2021, region: south}, set: {data: in/panel.parquet, columns: {}, synthesis.partition_rows: 30}}"
    )
    drop = "{for: {year: 2020, region: north}, set: {columns: {}}}"
    text = BULK.replace("  drift: year\n", f"  overrides: [{drop}, {parts}]\n")
    Path("bulk.yaml").write_text(text)
    about = r"warning: {}: pid: .*rows.*\n"
    quiet = replicant("run", "bulk.yaml", "-q", "--threads", 2)
    assert (quiet.code, quiet.out) == (0, "")
    assert re.fullmatch(about.format("2020-north") + about.format("2021-south"), quiet.err)
    shutil.rmtree("out")
    shutil.rmtree("out-internal")
    log = replicant("run", "bulk.yaml", "-q", "--log", "json")
    lines = [json.loads(line) for line in log.err.splitlines()]
    odd = {(line["release"], line["column"]) for line in lines if line.get("code") == "repeated_key"}
    assert odd == {("2020-north", "pid"), ("2021-south", "pid")}
    shutil.rmtree("out")
    loud = replicant("run", "bulk.yaml")
    assert re.search(about.format("2020-north") + about.format("2021-south"), loud.out)
    assert "warning" not in replicant("run", "bulk.yaml", "-q").err  # nothing was made: it was said by then
