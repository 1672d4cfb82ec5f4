"""Jobs with a gate: where a release lies until it passes, who lets it out, and what is public of that."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import replicant as rp
from replicant.cli.main import cli
from replicant.dossier.sources import WITHHELD
from replicant.errors import PartialError, SpecError, WithheldError
from replicant.execution.progress import Progress
from replicant.gate.judge import Check
from replicant.gate.limits import CHECKS, check_limits
from replicant.gate.verdict import Verdict
from replicant.release import verify_release
from replicant.run.candidate import Candidate, release_anyway
from replicant.run.job import run_job
from replicant.run.job_result import JobResult
from replicant.run.preview import preview
from replicant.run.resume import resume
from replicant.spec.load import load_job
from replicant.storage.local import LocalFolder

CANARY = "Zq7canary"


def verdict(*failed: str, seen: list[Any] | None = None) -> Callable[..., Verdict]:
    """A gate by which these checks fail."""

    def judged(real: Any, syn: Any, **said: Any) -> Verdict:
        if seen is not None:
            seen.append((real, syn, said))
        limits = check_limits(said["tier"], said["limits"])
        checks = [Check.of_rule(rule, said["tier"], limits[name]) for name, rule in CHECKS.items()]
        checks = [replace(one, verdict="failed" if one.name in failed else "passed", value=0.125) for one in checks]
        held = said["holdout"]
        return Verdict(said["tier"], tuple(checks), None if held is None else {"rows": 7})

    return judged


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.integers(18, 90, 200), "town": rng.choice(list("abc"), 200)})
    frame.to_parquet("people.parquet")
    return frame


def job(**more: Any) -> Any:
    said = {
        "input": {"path": "people.parquet"},
        "synthesis": {"m": 2, "seed": 1, "minbucket": 5, **more.pop("synthesis", {})},
        "gate": {"tier": "public", "holdout": 0.2, **more.pop("gate", {})},
        "output": {"path": "out", **more},
    }
    Path("job.yaml").write_text(json.dumps(said))
    return load_job("job.yaml")


def judge_by(monkeypatch: pytest.MonkeyPatch, *failed: str, seen: list[Any] | None = None) -> None:
    monkeypatch.setattr("replicant.gate.call.gate", verdict(*failed, seen=seen))


class Notes(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)


def files(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def test_what_passes_is_put_at_its_target(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    judge_by(monkeypatch, seen=seen)
    done = run_job(job())
    done.require()
    assert not done.withheld
    assert verify_release("out").ok
    public, secret = (json.loads(Path(f, "_manifest.json").read_text()) for f in ("out", "out-internal"))
    assert public["gate"]["verdict"] == secret["gate"]["verdict"] == "passed"
    assert public["gate"]["holdout"] == {"share": 0.2, "rows": 7}
    assert secret["gate"]["checks"][0]["value"] == 0.125
    assert not any("value" in one for one in public["gate"]["checks"])
    assert (public["n"], public["k"]) == (160, 200)
    assert [name for name in files("out-internal") if not name.startswith("dossier/")] == [
        "_manifest.json",
        "metrics.json",
    ]
    assert os.listdir(".").count("out") == 1
    assert "Passed: all" in Path("out-dossier/index.html").read_text()
    assert "0.125" in Path("out-internal/dossier/index.html").read_text()
    assert done.text().endswith("documents: out-dossier/index.html")
    assert not [name for name in os.listdir(".") if name.startswith(".")]
    real, _, said = seen[0]
    assert (real.n, said["holdout"].n) == (160, 40)
    both = pd.concat([real.observed(), said["holdout"].observed()]).astype({"town": str, "age": int})
    assert sorted(map(tuple, both.to_numpy().tolist())) == sorted(map(tuple, table.to_numpy().tolist()))


def test_what_fails_stays_where_its_owner_alone_can_read_it(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_by(monkeypatch, "membership")
    done = run_job(job())
    assert done.withheld
    with pytest.raises(WithheldError, match="membership") as caught:
        done.require()
    assert caught.value.exit_code == 5
    assert "--override membership" in str(caught.value)
    assert not Path("out").exists()
    for folder in ("out-internal", "out-internal/withheld"):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert "withheld" in done.text()
    assert not Path("out-dossier").exists()
    assert "Withheld: 1 of" in Path("out-internal/dossier/index.html").read_text()


def test_documents_that_cannot_be_written_change_no_decision(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("out-dossier").write_text("in the way")
    judge_by(monkeypatch)
    run_job(job()).require()
    assert verify_release("out").ok


def test_a_gate_that_was_interrupted_judges_again_and_draws_nothing(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("replicant.gate.call.gate", stopped)
    shown = Notes()
    with pytest.raises(KeyboardInterrupt):
        run_job(job(), progress=shown)
    assert shown.notes[-1].endswith(f"replicant resume {Path('out').resolve()}")
    before = {name: Path("out-internal/withheld", name).stat().st_mtime_ns for name in files("out-internal/withheld")}
    judge_by(monkeypatch, "membership")
    done = resume("out")
    assert isinstance(done, JobResult)
    assert done.withheld
    after = {name: Path("out-internal/withheld", name).stat().st_mtime_ns for name in files("out-internal/withheld")}
    assert before == after
    judge_by(monkeypatch)
    resume("out")
    assert verify_release("out").ok


def test_other_settings_replace_the_candidate(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch, "membership")
    run_job(job())
    first = Candidate.of_job(job()).manifests()
    run_job(job(synthesis={"seed": 2}))
    second = Candidate.of_job(job()).manifests()
    assert first is not None
    assert second is not None
    assert first[1]["digest"] != second[1]["digest"]


def test_a_person_releases_what_is_withheld(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch, "membership", "linkability")
    run_job(job())
    ran = CliRunner().invoke(
        cli,
        ["release", "out", "--override", "membership", "--override", "linkability", "--reason", "why", "--by", "me"],
    )
    assert ran.exit_code == 0, ran.output
    assert verify_release("out").ok
    for folder in ("out", "out-internal"):
        record = json.loads(Path(folder, "_manifest.json").read_text())["gate"]
        assert record["verdict"] == "overridden"
        assert [(one["check"], one["reason"], one["by"]) for one in record["overrides"]] == [
            ("linkability", "why", "me"),
            ("membership", "why", "me"),
        ]
        verdicts = {one["check"]: one["verdict"] for one in record["checks"]}
        assert verdicts["membership"] == "overridden"
    Path("new").mkdir()
    assert stat.S_IMODE(os.stat("out").st_mode) == stat.S_IMODE(os.stat("new").st_mode)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"overrides": ["membership"]}, "linkability failed, too"),
        ({"overrides": ["membrship", "linkability"]}, "did you mean 'membership'"),
        ({"overrides": ["membership", "linkability"], "reason": " "}, "without a reason"),
        ({"overrides": ["membership", "linkability"], "by": ""}, "without a name"),
    ],
)
def test_a_decision_is_whole_or_refused(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], error: str
) -> None:
    judge_by(monkeypatch, "membership", "linkability")
    run_job(job())
    with pytest.raises(SpecError, match=error):
        release_anyway("out", **{"reason": "why", "by": "me", **said})


def test_nothing_is_released_that_is_not_there(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match="nothing is withheld"):
        release_anyway("out", overrides=["membership"], reason="why", by="me")
    judge_by(monkeypatch, "membership")
    run_job(job())
    Path("out-internal/withheld-internal/_manifest.json").unlink()
    with pytest.raises(SpecError, match=r"internal manifest .* is gone") as caught:
        release_anyway("out", overrides=["membership"], reason="why", by="me")
    assert "run the job again" in str(caught.value)


def test_a_finished_release_is_not_in_the_way_for_nothing(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch)
    run_job(job())
    with pytest.raises(rp.ReleaseError, match="finished release"):
        run_job(job(synthesis={"seed": 2}))
    assert not Path("out-internal/withheld").exists()
    run_job(job(synthesis={"seed": 2}), overwrite=True)
    assert verify_release("out").ok


def test_a_killed_promotion_is_completed(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch)

    rename = LocalFolder.rename

    def killed(self: LocalFolder, old: str, new: str) -> None:
        if self.name == "out-internal":
            raise SystemExit
        rename(self, old, new)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFolder, "rename", killed)
        with pytest.raises(PartialError, match="replicant resume"):
            run_job(job())
    assert Path("out/_SUCCESS").exists()
    resume("out")
    assert verify_release("out").ok
    assert json.loads(Path("out-internal/_manifest.json").read_text())["gate"]["verdict"] == "passed"
    assert not Path("out-internal/withheld-internal").exists()


def test_partitions_hold_the_same_share_out(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    judge_by(monkeypatch, seen=seen)
    run_job(job(synthesis={"partition_rows": 80}))
    assert verify_release("out").ok
    public = json.loads(Path("out/_manifest.json").read_text())
    assert (public["n"], public["k"]) == (160, 200)
    real, _, said = seen[0]
    rows = [pd.concat([load() for load in loads]) for loads in (real, said["holdout"])]
    assert [len(one) for one in rows] == [160, 40]
    both = pd.concat(rows).astype({"town": str})
    assert sorted(map(tuple, both.to_numpy().tolist())) == sorted(map(tuple, table.to_numpy().tolist()))


def test_another_disk_has_the_candidate_copied(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch)
    monkeypatch.setattr("replicant.storage.local.LocalFolder.can_move_to", lambda self, target: False)
    run_job(job())
    assert verify_release("out").ok
    assert [name for name in files("out-internal") if not name.startswith("dossier/")] == [
        "_manifest.json",
        "metrics.json",
    ]


def test_real_rows_may_be_held_out_elsewhere(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    judge_by(monkeypatch, seen=seen)
    table.head(50).to_parquet("others.parquet")
    run_job(job(gate={"holdout": "others.parquet"}))
    real, _, said = seen[0]
    assert (real.n, said["holdout"].n) == (200, 50)


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("log", ["text", "json"])
def test_no_cell_is_in_what_is_public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loose: bool, log: str) -> None:
    """Of columns that are left out, whether the release is withheld or put at its target, in its documents and logs."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.integers(18, 90, 300), "town": rng.choice(list("abc"), 300)})
    frame["note"] = np.where(np.arange(300) == 7, CANARY, "x")
    frame["key"] = 918273645
    frame.to_parquet("people.parquet")
    limits = {name: {"limit": 0 if CHECKS[name].least else 999, "reason": "a test"} for name in CHECKS}
    gate = {"effort": "quick", "keys": ["age"], "targets": ["town"], "limits": limits if loose else {}}
    job(synthesis={"drop": ["note", "key"], "m": 1}, gate=gate)
    ran = CliRunner().invoke(cli, ["run", "job.yaml", "--log", log])
    assert Path("out").exists() is loose, ran.output
    assert ran.exception is None or isinstance(ran.exception, WithheldError), ran.output
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "people.parquet"]
    text = [ran.output, str(ran.exception), *(str(path.read_bytes()) for path in written)]
    assert not any(CANARY in one or "918273645" in one for one in text)


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ({"tier": "pubic"}, "public"),
        ({"holdout": 0.6}, "at most 0.5"),
        ({"limits": {"membershp": 0.5}}, "membership"),
        ({"limits": {"membership": 0.9}}, "a reason"),
        ({"pairs": [["age"]]}, "pairs"),
        ({"holdot": 0.1}, "holdout"),
    ],
)
def test_a_wrong_section_is_refused_before_anything_is_drawn(
    table: pd.DataFrame, gate: dict[str, Any], says: str
) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        run_job(job(gate=gate))
    assert caught.value.exit_code == 2
    assert not Path("out-internal").exists()


@pytest.mark.parametrize("rows", [None, 80])
def test_a_plan_says_what_is_held_out_and_refuses_what_a_run_would(table: pd.DataFrame, rows: int | None) -> None:
    synthesis = {} if rows is None else {"partition_rows": rows}
    assert rows or "40 of 200 rows are held out" in str(preview(job(synthesis=synthesis)))
    with pytest.raises(SpecError, match="a reason"):
        preview(job(synthesis=synthesis, gate={"limits": {"membership": 0.9}}))


def test_a_holdout_that_says_nothing_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(rp.DataError, match="4 of 200 rows"):
        run_job(job(gate={"holdout": 0.02}))


def test_judge_is_the_gate_itself(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the stand-in: a small table passes or is withheld with reasons, and says what it could not judge."""
    done = run_job(job(gate={"effort": "quick", "keys": ["age"], "targets": ["town"]}))
    assert done.gate is not None
    assert done.gate["holdout"] == {"share": 0.2, "rows": 40}
    assert {one["check"] for one in done.gate["checks"]} == set(CHECKS)
    assert WITHHELD in done.target or not done.withheld
