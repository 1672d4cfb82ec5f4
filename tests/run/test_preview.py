"""What `replicant plan` says of a job before anything is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.run.preview import Preview, preview
from replicant.spec.load import parse_job

N = 600


@pytest.fixture
def frame() -> pd.DataFrame:
    """A panel with a constant and two equal columns: three things to be told of."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=N).round(3)
    return pd.DataFrame({"pid": np.repeat(np.arange(N // 2) + 5_000, 2), "x": x, "same": x, "unit": "kg", "old": x * 2})


def planned(frame: pd.DataFrame, folder: Path, partition_rows: int | None, **synthesis: Any) -> Preview:
    path = folder / "data.parquet"
    frame.to_parquet(path, index=False, row_group_size=N)
    text = {
        "input": {"path": str(path)},
        "synthesis": {"m": 2, "seed": 1, "drop": ["old"], "partition_rows": partition_rows, **synthesis},
        "output": {"path": str(folder / "release")},
    }
    return preview(parse_job(json.dumps(text)))


def said(frame: pd.DataFrame, folder: Path, partition_rows: int | None, **synthesis: Any) -> str:
    return planned(frame, folder, partition_rows, **synthesis).text


def events(text: str) -> list[str]:
    """The lines of that section, in their order, without the breaks of lines."""
    section = text.split("Events\n------\n")[1].split("\n\n", maxsplit=1)[0]
    return section.replace("\n   ", " ").splitlines()


def test_the_plan_of_a_table_in_parts_tells_the_events_of_its_first_chunk(frame: pd.DataFrame, tmp_path: Path) -> None:
    whole, parts = said(frame, tmp_path, None), said(frame, tmp_path, 200, strata="unit")
    assert events(parts) == events(whole)
    assert {line.split(":")[0] for line in events(parts)} >= {"repeated_key", "constant_column", "dropped_column"}
    assert "\nTasks\n" in whole
    assert "\nTasks\n" not in parts
    assert "600 rows are shuffled into 3 partitions of about 200, within strata" in parts
    assert "events are those of the first chunk (600 rows)" in parts
    assert parts.endswith(f"The release goes to {tmp_path}/release.\n")


def test_a_plan_without_events_has_no_such_section(frame: pd.DataFrame, tmp_path: Path) -> None:
    plain = frame[["x"]].assign(y=np.random.default_rng(2).normal(size=N))
    assert "Events" not in said(plain, tmp_path, 200, drop=[])


def test_the_graph_of_a_job_and_of_one_that_is_read_in_chunks(frame: pd.DataFrame, tmp_path: Path) -> None:
    whole, parts = planned(frame, tmp_path, None).graph(), planned(frame, tmp_path, 200).graph()
    assert "draw imputations 1-2" in whole.pictures[0].description
    assert "scan, 1 chunk" not in whole.pictures[0].description
    assert "scan, 1 chunk; shuffle rows, 1 chunk into about 3 partitions" in parts.pictures[0].description


def test_the_graph_of_a_study_is_its_blocks(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    text = {
        "input": {"path": str(tmp_path / "data.parquet")},
        "study": {"replicates": 30, "estimands": [{"means": "x"}]},
        "output": {"path": str(tmp_path / "study")},
    }
    found = preview(parse_job(json.dumps(text)))
    blocks = int(found.text.split(" in ")[1].split(" blocks")[0])
    assert found.graph().pictures[0].body.count(">measure block ") == blocks


def test_a_plan_tries_what_protects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    people = pd.DataFrame({"sex": rng.choice(["f", "m"], 800), "age": rng.integers(18, 90, 800)})
    people["income"] = (1000 * (people.sex == "m") + rng.lognormal(6, 1, 800)).round()
    text = said(people, tmp_path, None, drop=[], min_donors=10, options={"income": {"dominance": 0.5}}, minbucket=3)
    section = text.split("Protection\n")[1].split("\n\n")[0].splitlines()
    assert "grown on all 800 rows" in section[1]
    figures = {line.split()[0]: line.split()[1:] for line in section[4:]}
    assert list(figures) == ["sex", "age", "income"]
    leaves, few, _, dominated = map(int, figures["income"][:4])
    assert leaves >= few > dominated > 0
    syn = rp.synthesize(people, m=1, seed=1, min_donors=10, options={"income": {"dominance": 0.5}}, minbucket=3)
    assert syn.protection.loc["income", ["leaves", "few_records", "dominated"]].tolist() == [leaves, few, dominated]
    monkeypatch.setattr("replicant.run.preview.MOST_TRIED", 300)
    assert "grown on 300 of 800 rows" in said(people, tmp_path, None, drop=[], min_donors=10)
    assert "grown on 300 of 800 rows" in said(people, tmp_path, 400, drop=[], min_donors=10)
    assert "Protection" not in said(people, tmp_path, None, drop=[])
