"""Jobs that impute: in memory, in partitions, on workers, interrupted; what their releases say of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.errors import PartialError, ReplicantError, SpecError
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.run.part_sink import PartSink
from replicant.run.preview import preview
from replicant.run.resume import resume
from replicant.spec.load import load_job

ROWS = 400


def people() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS).round(3), "z": rng.choice(["a", "b", "c"], ROWS)})
    frame["y"] = (1 + frame["x"] + rng.normal(size=ROWS)).round(3)
    frame["w"] = rng.poisson(3, ROWS)
    for name in ("y", "z", "w"):
        frame[name] = frame[name].mask(rng.random(ROWS) < 0.2)
    return frame


@pytest.fixture
def job(tmp_path: Path) -> Any:
    """Writes a job with these sections, beside its table."""
    people().to_parquet(tmp_path / "people.parquet", row_group_size=100)

    def write(**sections: Any) -> Any:
        document = {"input": {"path": str(tmp_path / "people.parquet")}, **sections}
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(document))
        return load_job(tmp_path / "job.yaml")

    return write


def content(release: Path) -> dict[str, bytes]:
    return {str(path.relative_to(release)): path.read_bytes() for path in release.rglob("*.parquet")}


def manifest_of(release: Path) -> dict[str, Any]:
    return json.loads((release / "_manifest.json").read_text())


def test_a_job_of_an_imputation_alone_is_the_call(job: Any, tmp_path: Path) -> None:
    run_job(job(imputation={"m": 2, "seed": 3, "maxit": 2, "method": "cart"}, output={"path": str(tmp_path / "r")}))
    imp = rp.impute(people(), m=2, seed=3, maxit=2, method="cart")
    for mine, its in zip(imp, rp.read_release(tmp_path / "r"), strict=True):
        pd.testing.assert_frame_equal(mine, its, check_dtype=False)
    said = manifest_of(tmp_path / "r")
    assert [event["code"] for event in said["events"]] == ["real_records"]
    assert {column["synthesized"] for column in said["columns"]} == {"none"}
    assert rp.read_release(tmp_path / "r").analyse("ols", "y ~ x").pool().rule == "rubin1987"


@pytest.mark.parametrize(("syntheses", "rule"), [(1, "one_step"), (2, "reiter2004")])
def test_a_release_says_how_it_is_pooled(job: Any, tmp_path: Path, syntheses: int, rule: str) -> None:
    settings = {"m": 2, "seed": 3, "missing": "impute", "syntheses": syntheses}
    run_job(job(synthesis=settings, imputation={"maxit": 2, "method": "cart"}, output={"path": str(tmp_path / "r")}))
    release = rp.read_release(tmp_path / "r")
    assert release.m == 2 * syntheses
    assert not release[0].isna().any().any()
    assert release.analyse("ols", "y ~ x").pool().rule == rule
    same = rp.synthesize(people(), imputation={"maxit": 2, "method": "cart"}, **settings)
    for mine, its in zip(same, release, strict=True):
        pd.testing.assert_frame_equal(mine, its, check_dtype=False)


@pytest.mark.parametrize("synthesis", [{"missing": "impute", "syntheses": 2}, {"missing": "impute", "method": "keep"}])
def test_partitions_and_workers_give_the_same_bytes(job: Any, tmp_path: Path, synthesis: dict[str, Any]) -> None:
    found = []
    for name, backend in {"one": Backend(threads=1), "two": Backend(threads=2)}.items():
        sections = {"synthesis": {"m": 2, "seed": 3, "partition_rows": 120, **synthesis}}
        made = job(**sections, imputation={"maxit": 2, "method": "cart"}, output={"path": str(tmp_path / name)})
        run_job(made, backend)
        found.append(content(tmp_path / name))
        assert rp.verify_release(tmp_path / name).ok
    assert found[0] == found[1]
    release = rp.read_release(tmp_path / "one")
    assert len(release[0]) == ROWS
    assert not release[0].isna().any().any()
    chains = manifest_of(tmp_path / "one-internal")["chains"]
    assert len(chains) == 2
    missing = people().isna().sum()
    assert dict(zip(chains[0]["columns"], chains[0]["cells"], strict=True)) == missing[missing > 0].to_dict()


def test_what_partitions_complete_is_the_table(job: Any, tmp_path: Path) -> None:
    settings = {"m": 1, "seed": 3, "maxit": 1, "method": "cart", "partition_rows": 120}
    run_job(job(imputation=settings, output={"path": str(tmp_path / "r")}))
    frame, filled = people(), rp.read_release(tmp_path / "r")[0]
    whole = frame.dropna().sort_values(["x", "y"]).reset_index(drop=True)
    kept = filled.merge(whole, how="inner").sort_values(["x", "y"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, whole, check_dtype=False)
    np.testing.assert_array_equal(np.sort(filled["x"]), np.sort(frame["x"]))


@pytest.mark.parametrize("partition_rows", [None, 120])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partition_rows: int | None
) -> None:
    settings = {"m": 4, "seed": 3, "missing": "impute", "partition_rows": partition_rows, "strata": None}
    sections = {"synthesis": settings, "imputation": {"maxit": 2, "method": {"y": "norm"}}}
    run_job(job(**sections, output={"path": str(tmp_path / "whole")}))
    write, left = PartSink.__call__, [2]

    def fail_later(*args: Any, **rest: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(*args, **rest)

    monkeypatch.setattr(PartSink, "__call__", fail_later)
    with pytest.raises((PartialError, ReplicantError)):
        run_job(job(**sections, output={"path": str(tmp_path / "part")}), Backend(threads=1))
    monkeypatch.undo()
    resume(str(tmp_path / "part"))
    assert content(tmp_path / "part") == content(tmp_path / "whole")
    one, two = (manifest_of(tmp_path / f"{name}-internal")["chains"] for name in ("part", "whole"))
    assert one == two
    assert manifest_of(tmp_path / "part")["events"] == manifest_of(tmp_path / "whole")["events"]


def test_a_plan_says_how_cells_are_imputed(job: Any, tmp_path: Path) -> None:
    made = job(synthesis={"m": 2, "missing": "impute", "syntheses": 3}, output={"path": str(tmp_path / "r")})
    text = str(preview(made))
    assert "2 chains of 10 iterations, 3 synthetic sets of each" in text
    assert "the default for nominal" in text


@pytest.mark.parametrize(
    ("sections", "found"),
    [
        ({"synthesis": {"m": 2}, "imputation": {"maxit": 2}}, "missing: impute"),
        ({"synthesis": {"missing": "impute"}, "imputation": {"m": 2}}, "m of the synthesis"),
        (
            {"synthesis": {"missing": "impute", "imputation": {"maxit": 2}}, "imputation": {"maxit": 2}},
            "one imputation",
        ),
        ({"imputation": {"maxit": 0}}, "maxit"),
        ({"imputation": {"maxitt": 2}}, "maxit"),
    ],
)
def test_sections_that_contradict_each_other_are_refused(
    job: Any, tmp_path: Path, sections: dict[str, Any], found: str
) -> None:
    with pytest.raises(SpecError, match=found):
        job(**sections, output={"path": str(tmp_path / "r")})
