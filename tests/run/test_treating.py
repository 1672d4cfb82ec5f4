"""Jobs whose gate has remedies: what is tried, where candidates lie meanwhile, and what the record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import replicant as rp
from replicant.cli.main import cli
from replicant.release import verify_release
from replicant.run import treating
from replicant.run.job import run_job
from replicant.run.resume import resume
from replicant.spec.load import load_job


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    age = rng.integers(16, 90, 600)
    pay = rng.lognormal(7, 0.5, 600).round(2)
    frame = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["f", "m"], 600),
            "region": rng.choice(list("abcdef"), 600),
            "pay": pay,
            "tax": (pay * rng.uniform(0.1, 0.4, 600)).round(2),
        }
    )
    frame.to_parquet("people.parquet")
    return frame


KEPT = ["disclosure.json", "dossier", "metrics.json", "utility.json"]


def job(remedy: list[str], **more: Any) -> Any:
    gate = {
        "tier": "safeguarded",
        "holdout": 0.25,
        "effort": "quick",
        "keys": ["age", "sex", "region"],
        "targets": ["pay"],
        "remedy": remedy,
        **more.pop("gate", {}),
    }
    said = {
        "input": {"path": "people.parquet"},
        "synthesis": {"m": 2, "seed": 1, **more},
        "gate": gate,
        "output": {"path": "out"},
    }
    Path("job.yaml").write_text(json.dumps(said))
    return load_job("job.yaml")


COPIES = {"minbucket": 1, "minsplit": 2, "splits": "rpart", "donors": "any"}
ONE_DONOR = {"limits": {"distinct_donors": {"limit": 1, "reason": "rows are what is tested"}}}


def folders() -> list[str]:
    return sorted(path.name for path in Path("out-internal").iterdir())


def test_a_release_that_fails_is_drawn_again_until_it_passes(people: pd.DataFrame) -> None:
    done = run_job(job(["redraw", "smooth"], gate={"indicators": {"mean pay": {"mean": "pay"}}}))
    assert not done.withheld
    assert "mean pay" in Path("out-dossier/index.html").read_text()
    assert verify_release("out").ok
    public = json.loads(Path("out/_manifest.json").read_text())
    steps = public["gate"]["remedies"]
    assert public["gate"]["verdict"] == "passed"
    assert "distinct_donors" not in steps[0]["failed_before"], "a gate's job begins with the donors of its tier"
    assert steps[-1]["failed_after"] == []
    assert public["config"]["min_donors"] >= 10, "the manifest says what was done in the end"
    assert [step["remedy"] for step in steps][:1] == ["redraw"]
    assert folders() == ["_manifest.json", *KEPT], "candidates are gone"
    assert "remedy 1, redraw" in done.text()


def test_rows_at_risk_are_swapped_and_rules_are_kept(people: pd.DataFrame) -> None:
    done = run_job(job(["swap"], min_donors=1, rules=["0 <= tax <= pay"], gate=ONE_DONOR, **COPIES))
    # Leaves of single records: nothing that swaps rows can mend that all of it is theirs.
    assert done.withheld
    assert folders() == [*KEPT, "withheld", "withheld-internal"]
    release = rp.read_release("out-internal/withheld")
    for frame in release:
        assert not len(frame.merge(people)), "a row equals a real one"
        assert (frame["tax"] <= frame["pay"]).all()
    secret = json.loads(Path("out-internal/withheld-internal/_manifest.json").read_text())
    assert secret["treated"]["rows"] > 0
    assert secret["gate"]["remedies"][0]["cells_changed"] > 0
    failed = secret["gate"]["checks"]
    options = [word for one in failed if one["verdict"] == "failed" for word in ("--override", one["check"])]
    ran = CliRunner().invoke(cli, ["release", "out", *options, "--reason", "a test", "--by", "N. N."])
    assert ran.exit_code == 0, ran.output
    public = json.loads(Path("out/_manifest.json").read_text())
    assert public["gate"]["verdict"] == "overridden"
    assert public["gate"]["remedies"]


def test_partitions_are_treated_alike(people: pd.DataFrame) -> None:
    done = run_job(job(["swap"], min_donors=1, partition_rows=200, gate=ONE_DONOR, **COPIES))
    release = rp.read_release(done.target)
    assert all(not len(frame.merge(people)) for frame in release)


def test_a_run_that_stops_in_a_remedy_goes_on(people: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(job(["redraw", "smooth"]))
    whole = rp.read_release("out").stack()
    real = treating.judge
    calls = []

    def stopped(*arguments: Any, **said: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(*arguments, **said)

    job(["redraw", "smooth"])
    text = Path("job.yaml").read_text().replace('"out"', '"again"')
    Path("job.yaml").write_text(text)
    monkeypatch.setattr(treating, "judge", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_job(load_job("job.yaml"))
    assert not Path("again").exists()
    resume("again")
    pd.testing.assert_frame_equal(rp.read_release("again").stack(), whole)


def test_a_remedy_with_nothing_to_work_on_is_refused_before_anything_is_drawn(people: pd.DataFrame) -> None:
    people[["sex", "region"]].to_parquet("people.parquet")
    said = {"keys": ["sex"], "targets": ["region"]}
    with pytest.raises(rp.SpecError, match="the remedy 'smooth' has nothing to work on"):
        run_job(job(["redraw", "smooth"], gate=said))
    assert not Path("out-internal").exists()


@pytest.mark.parametrize("key", ["keys", "targets", "sensitive", "pairs"])
def test_a_column_that_is_not_there_is_refused_before_anything_is_drawn(people: pd.DataFrame, key: str) -> None:
    names: Any = [["pay", "agee"]] if key == "pairs" else ["agee"]
    with pytest.raises(rp.SpecError, match=rf"gate\.{key} names 'agee'.*did you mean 'age'"):
        run_job(job([], gate={key: names}))
    assert not Path("out-internal").exists()


def test_unknown_remedies_are_refused(people: pd.DataFrame) -> None:
    with pytest.raises(rp.SpecError, match="swop"):
        job(["swop"])
