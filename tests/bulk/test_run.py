"""A bulk: only what is missing or changed is made, each as a run by itself would make it, and failures stay alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.bulk import BulkResult, begun_at, plan_bulk, run_bulk, tasks
from replicant.errors import PartialError, ReleaseError, SpecError
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.plan.memory import BASE, task_bytes
from replicant.plan.seeds import derived_seed
from replicant.release.bulk_index import find_index, verify_bulk
from replicant.run.footprint import footprint
from replicant.run.job import run_job
from replicant.spec.bulk import BulkJob
from replicant.spec.load import parse_any, parse_job
from replicant.table import Kind

YEARS, REGIONS = range(2010, 2022), ("north", "south")
CANARY = "canary-zebra"


def table(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 9, n).round(1)
    return pd.DataFrame({"x": x, "y": (x / 2 + rng.normal(0, 2, n)).round(1), "g": rng.choice(["a", "b", "c"], n)})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 24 tables, in which we are."""
    (tmp_path / "in").mkdir()
    for i, (year, region) in enumerate((year, region) for year in YEARS for region in REGIONS):
        table(i).to_csv(tmp_path / f"in/{region}-{year}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bulk(**changes: Any) -> BulkJob:
    document: dict[str, Any] = {
        "bulk": {"matrix": {"year": {"first": 2010, "last": 2021}, "region": list(REGIONS)}},
        "input": {"path": "in/{region}-{year}.csv"},
        "synthesis": {"m": 2, "seed": 7},
        "output": {"path": "out/{region}/{year}"},
    }
    for section, values in changes.items():
        document[section] = {**document.get(section, {}), **values}
    found = parse_any(yaml.safe_dump(document, sort_keys=False))
    assert isinstance(found, BulkJob)
    return found


def small(**changes: Any) -> BulkJob:
    """Two years of it."""
    changes["bulk"] = {"matrix": {"year": [2010, 2011], "region": list(REGIONS)}, **changes.get("bulk", {})}
    return bulk(**changes)


def states(result: BulkResult) -> dict[str, str]:
    return {name: one.state for name, one in result.outcomes.items()}


def prints(folder: str = "out") -> dict[str, tuple[str, int]]:
    """Content and time of every file of the releases."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in Path(folder).rglob("*")
        if path.is_file() and path.parent != Path(folder)
    }


def digests(folder: str = "out") -> dict[str, str]:
    return {name: digest for name, (digest, _) in prints(folder).items() if name.endswith(".parquet")}


def test_twenty_four_releases_one_of_them_poisoned(place: Path) -> None:
    """The whole story: 23 and a reason, nothing but the failed one, and its repair."""
    whole = Path("in/south-2015.csv").read_text()
    Path("in/south-2015.csv").write_text(whole.replace("\n", f"\n{CANARY},1,2,3\n", 1))
    first = run_bulk(bulk(), Backend(threads=2))
    assert states(first) == {
        f"{year}-{region}": "failed" if (year, region) == (2015, "south") else "released"
        for year in YEARS
        for region in REGIONS
    }
    with pytest.raises(
        PartialError, match=r"1 of 24 releases failed, 23 are there\.\n  2015-south: .*4 cells"
    ) as caught:
        first.require()
    assert caught.value.exit_code == 4
    assert not Path("out/south/2015").exists()
    before = prints()

    second = run_bulk(bulk(), Backend(threads=2))
    assert sorted(set(states(second).values())) == ["failed", "unchanged"]
    assert prints() == before

    Path("in/south-2015.csv").write_text(whole)
    third = run_bulk(bulk(), Backend(threads=2))
    third.require()
    assert [name for name, state in states(third).items() if state == "released"] == ["2015-south"]
    assert before.items() <= prints().items()
    assert all(checked.ok for _, checked in verify_bulk("out", find_index("out") or {}))
    assert len(list(Path("out").rglob("_SUCCESS"))) == 24
    assert CANARY not in Path("out-internal/index.json").read_text() + Path("out/index.json").read_text()


def test_each_is_what_a_run_by_itself_makes(place: Path) -> None:
    """Also in parts, and on however many threads; the seed is made of the bulk's and the name."""
    table(50, 400).to_parquet("in/north-2011.parquet", row_group_size=100)
    parts = {
        "for": {"year": 2011, "region": "north"},
        "set": {"data": "in/north-2011.parquet", "synthesis.partition_rows": 150},
    }
    job = small(bulk={"overrides": [parts]})
    run_bulk(job, Backend(threads=3)).require()
    found = digests()
    for release in job.releases:
        year, region = release.values["year"], release.values["region"]
        said = release.job.model_dump()
        said["synthesis"]["seed"] = derived_seed(7, f"{year}-{region}")
        said["output"] |= {"path": f"alone/{region}/{year}", "internal": None}
        run_job(parse_job(json.dumps(said)), Backend(threads=1))
    assert {name.replace("alone", "out"): digest for name, digest in digests("alone").items()} == found
    shutil.rmtree("out")
    run_bulk(job, Backend(threads=1, memory=BASE + 2**20)).require()
    assert digests() == found


def test_others_do_not_change_a_release(place: Path) -> None:
    run_bulk(small(), Backend(threads=1))
    before = prints()
    grown = run_bulk(
        small(bulk={"matrix": {"year": [2009, 2010, 2011], "region": ["east", *REGIONS]}}), Backend(threads=1)
    )
    assert {name for name, state in states(grown).items() if state == "unchanged"} == {
        "2010-north",
        "2010-south",
        "2011-north",
        "2011-south",
    }
    assert before.items() <= prints().items()


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ({"synthesis": {"minbucket": 7}}, "all"),
        ({"synthesis": {"seed": 8}}, "all"),
        ({"output": {"csv": True}}, "all"),
        ({"columns": {"g": {"kind": "nominal", "levels": ["a", "b", "c", "d"]}}}, "all"),
        ({"bulk": {"overrides": [{"for": {"year": 2010}, "set": {"synthesis.k": 30}}]}}, "2010"),
        ({"bulk": {"title": "Other", "drift": "year"}}, "none"),
    ],
    ids=str,
)
def test_settings_decide(change: dict[str, Any], made: str, place: Path) -> None:
    run_bulk(small(), Backend(threads=1))
    again = small(**change)
    planned = plan_bulk(again)
    result = run_bulk(again, Backend(threads=1))
    expected = {
        name: "released" if made == "all" or (made != "none" and name.startswith(made)) else "unchanged"
        for name in states(result)
    }
    assert states(result) == expected
    assert {line.name: line.todo for line in planned.lines} == {
        name: "make anew: settings" if state == "released" else "up to date" for name, state in expected.items()
    }
    assert set(states(run_bulk(again, Backend(threads=1))).values()) == {"unchanged"}


def test_content_decides_not_the_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file written anew is read; what was not written is not even opened."""
    run_bulk(small(), Backend(threads=1))
    before = prints()
    os.utime("in/north-2010.csv", ns=(1, 1))
    changed = pd.read_csv("in/south-2010.csv")
    changed.loc[0, "x"] += 1
    changed.to_csv("in/south-2010.csv", index=False)
    read = []
    prepare = tasks.prepare
    monkeypatch.setattr(tasks, "prepare", lambda job: (read.append(Path(job.input.path).name), prepare(job))[1])
    assert states(run_bulk(small(), Backend(threads=1))) == {
        "2010-north": "unchanged",
        "2010-south": "released",
        "2011-north": "unchanged",
        "2011-south": "unchanged",
    }
    assert sorted(read) == ["north-2010.csv", "south-2010.csv"]
    kept = {name: one for name, one in before.items() if "south/2010" not in name}
    assert kept.items() <= prints().items()
    read.clear()
    run_bulk(small(), Backend(threads=1))
    assert read == []


def test_a_damaged_release_and_one_of_another_version_are_made_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_bulk(small(), Backend(threads=1))
    found = digests()
    Path("out/north/2010/imputation=01/part-0.parquet").unlink()
    with Path("out/south/2010/_manifest.json").open("a") as file:
        file.write(" ")
    (Path("out/north/2011") / "notes.txt").write_text("mine")
    again = run_bulk(small(), Backend(threads=1))
    # Somebody's own file is not removed with the release.
    assert states(again) == {
        "2010-north": "released",
        "2010-south": "released",
        "2011-north": "failed",
        "2011-south": "unchanged",
    }
    (Path("out/north/2011") / "notes.txt").unlink()
    assert set(states(run_bulk(small(), Backend(threads=1))).values()) == {"unchanged"}
    assert digests() == found
    monkeypatch.setattr(rp, "__version__", "0.0.0")
    assert [line.todo for line in plan_bulk(small()).lines] == ["make anew: version"] * 4


def test_what_the_bulk_did_not_make_is_left_alone(place: Path) -> None:
    said = {
        "input": {"path": "in/north-2010.csv"},
        "synthesis": {"m": 2, "seed": 1},
        "output": {"path": "out/north/2010"},
    }
    run_job(parse_job(json.dumps(said)), Backend(threads=1))
    theirs = prints()
    result = run_bulk(small(), Backend(threads=1))
    assert states(result)["2010-north"] == "failed"
    assert "did not make" in result.failed[0].reason
    assert theirs.items() <= prints().items()
    assert dict(plan_bulk(small()).refused).keys() == {"2010-north"}
    assert set(states(run_bulk(small(), Backend(threads=1), overwrite=True)).values()) == {"released", "unchanged"}
    assert not theirs.items() <= prints().items()


def test_the_index_keeps_secrets_and_the_internal_one_tells(place: Path) -> None:
    Path("in/south-2011.csv").unlink()
    run_bulk(small(bulk={"title": "Two <years>", "drift": "year"}), Backend(threads=1))
    public, secret = (
        json.loads(Path("out/index.json").read_text()),
        json.loads(Path("out-internal/index.json").read_text()),
    )
    entries = {entry["name"]: entry for entry in public["releases"]}
    assert entries["2011-south"]["state"] == "failed"
    assert entries["2011-south"]["failure"] == "its data cannot be synthesized as they are"
    for name, entry in entries.items():
        if name == "2011-south":
            continue
        manifest = (Path("out") / entry["path"] / "_manifest.json").read_bytes()
        assert entry["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
        assert (entry["state"], entry["m"], entry["rows"], entry["columns"]) == ("released", 2, 60, 3)
        files = [path for path in (Path("out") / entry["path"]).rglob("*.parquet")]
        assert entry["bytes"] == sum(path.stat().st_size for path in files)
        assert entry["files"] == len(files)
    assert [(found["a"], found["b"]) for found in public["drift"]] == [("2010-north", "2011-north")]
    # Nothing of what belongs to the owner: seeds, fingerprints, paths of the input.
    shared = "".join(path.read_text() for path in Path("out").glob("index.*"))
    seeds = [derived_seed(7, release.name) for release in small().releases]
    for word in ("seed", "fingerprint", "in/south", str(place), *map(str, seeds), "south-2011"):
        assert word not in shared
    assert "Two &lt;years&gt;" in shared
    reasons = {entry["name"]: entry["reason"] for entry in secret["releases"]}
    assert "south-2011.csv" in reasons["2011-south"]
    assert "south-2011.csv" in Path("out-internal/index.html").read_text()
    assert secret["seed"] == 7
    assert Path("out-internal").stat().st_mode & 0o077 == 0
    # A link of the internal page leads to the release.
    links = re.findall(r'href="([^"#]+)"', Path("out-internal/index.html").read_text())
    assert links
    assert all((Path("out-internal") / link).is_file() for link in links)


def test_an_earlier_release_stays_when_its_input_goes(place: Path) -> None:
    run_bulk(small(), Backend(threads=1))
    before = prints()
    Path("in/south-2011.csv").unlink()
    result = run_bulk(small(), Backend(threads=1))
    assert states(result)["2011-south"] == "failed"
    entry = result.index["releases"][-1]
    assert (entry["name"], entry["state"], entry["earlier"], entry["rows"]) == ("2011-south", "failed", True, 60)
    assert before == prints()


def test_a_seed_that_was_drawn_is_kept(place: Path) -> None:
    job = small(synthesis={"m": 2, "seed": None})
    run_bulk(job, Backend(threads=1))
    found = digests()
    assert set(states(run_bulk(job, Backend(threads=1))).values()) == {"unchanged"}
    shutil.rmtree("out/north")
    run_bulk(job, Backend(threads=1))
    assert digests() == found


def test_a_bulk_that_was_stopped_goes_on_from_its_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to stop after the second release: the index says what is there, and `resume` needs nothing else."""

    class Ends(Progress):
        done = 0

        def advance(self, units: int) -> None:
            self.done += 1
            if self.done == 2:
                raise SystemExit(143)

    with pytest.raises(PartialError, match="asked to stop") as caught:
        run_bulk(small(), Backend(threads=1), progress=Ends())
    assert "replicant resume" in str(caught.value.fix)
    index = find_index("out") or {}
    assert [entry["state"] for entry in index["releases"]] == ["released", "released", "unfinished", "unfinished"]
    assert [path for path in Path("out").rglob("*.partial*")] == []
    monkeypatch.chdir("/")
    again = begun_at(f"{place}/out")
    assert again is not None
    result = run_bulk(again, Backend(threads=1))
    assert list(states(result).values()) == ["unchanged", "unchanged", "released", "released"]
    assert begun_at(str(place)) is None


def test_one_run_at_a_time(place: Path) -> None:
    class Second(Progress):
        def advance(self, units: int) -> None:
            with pytest.raises(ReleaseError, match="running"):
                run_bulk(small(), Backend(threads=1))

    run_bulk(small(), Backend(threads=1), progress=Second()).require()


def test_the_plan_reads_and_touches_nothing(place: Path) -> None:
    Path("in/south-2011.csv").write_text("x\n")
    planned = plan_bulk(small(bulk={"drift": "year"}), 2**40)
    assert not Path("out").exists()
    assert not Path("out-internal").exists()
    assert [line.todo for line in planned.lines if line.found] == ["make"] * 3
    assert {line.found.rows for line in planned.lines if line.found} == {60}
    text = planned.text()
    assert "4 releases: 3 to be made, 1 cannot be made." in text
    assert "2 pairs of releases" in text
    with pytest.raises(PartialError, match="2011-south"):
        planned.require()
    with pytest.raises(PartialError, match="of memory"):
        plan_bulk(small(), 2**20).require()


def test_a_release_that_does_not_fit_is_refused_and_the_others_are_made(place: Path) -> None:
    table(1, 4000).to_csv("in/north-2010.csv", index=False)
    budget = task_bytes([Kind.CONTINUOUS, Kind.CONTINUOUS, Kind.NOMINAL], 2000)
    result = run_bulk(small(), Backend(threads=2, memory=budget))
    assert states(result)["2010-north"] == "failed"
    assert "set synthesis.partition_rows" in result.failed[0].reason
    assert sum(state == "released" for state in states(result).values()) == 3


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "folder"])
def test_a_footprint_is_an_upper_bound(name: str, tmp_path: Path) -> None:
    """Told before reading, against what `task_bytes` says of the table that was read."""
    frame, place = table(3, 5000), tmp_path / name
    if name == "folder":
        place.mkdir()
        frame.to_parquet(place / "a.parquet")
    else:
        frame.to_parquet(place) if name.endswith("parquet") else frame.to_csv(place, index=False)
    job = parse_job(json.dumps({"input": {"path": str(place)}, "output": {"path": "out"}}))
    read = task_bytes([Kind.CONTINUOUS, Kind.CONTINUOUS, Kind.NOMINAL], 5000)
    assert read <= footprint(job) <= BASE + 12 * (read - BASE)


def test_one_of_threads_workers_and_scheduler(place: Path) -> None:
    with pytest.raises(SpecError, match="exclude each other"):
        run_bulk(small(), Backend(threads=1, workers=1))


def test_an_internal_index_of_another_format_is_not_taken_for_none(place: Path) -> None:
    """Its seed would be drawn anew, and every release made by another one."""
    drawn = small(synthesis={"seed": None})
    run_bulk(drawn)
    file = Path("out-internal/index.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": "replicant-bulk/2"}))
    before = prints()
    with pytest.raises(ReleaseError, match="is not in the format replicant-bulk/1"):
        run_bulk(drawn)
    with pytest.raises(ReleaseError, match="is not in the format replicant-bulk/1"):
        begun_at("out")
    assert prints() == before
