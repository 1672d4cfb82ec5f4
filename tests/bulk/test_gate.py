"""Every release of a bulk has its own gate, and with earlier ones of the same people a cumulative one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from replicant.bulk import run_bulk
from replicant.errors import PartialError, SpecError, WithheldError
from replicant.execution.backend import Backend
from replicant.gate.judge import Check
from replicant.gate.limits import CHECKS, Limit
from replicant.gate.verdict import Verdict
from replicant.release.bulk_index import find_index
from replicant.spec.load import parse_any

Seen = list[tuple[str, list[str]]]


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Three years of a survey; the gate withholds 2011, and notes what it looked at."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for year in (2010, 2011, 2012):
        rng = np.random.default_rng(year)
        frame = pd.DataFrame({"x": rng.normal(50, 9, 120).round(1), "g": rng.choice(["a", "b"], 120)})
        frame.to_csv(f"in/{year}.csv", index=False)
    found: Seen = []
    monkeypatch.setattr("replicant.gate.call.gate", gate(found))
    return found


def gate(found: Seen) -> Callable[..., Verdict]:
    def judged(real: Any, syn: Any, **said: Any) -> Verdict:
        year = Path(syn.url).parent.name.removesuffix("-internal")
        found.append((year, [Path(one).name for one in said["earlier"] or ()]))
        check = Check.of_rule(CHECKS["membership"], "public", Limit(0.55))
        check = replace(check, verdict="failed" if year == "2011" else "passed", why="it is above the limit")
        return Verdict("public", (check,), {"rows": len(said["holdout"].observed())})

    return judged


def bulk(**more: Any) -> Any:
    document = {
        "bulk": {"matrix": {"year": [2010, 2011, 2012]}, "cumulate": "year"},
        "input": {"path": "in/{year}.csv"},
        "synthesis": {"m": 1, "seed": 7},
        "gate": {"tier": "public", "holdout": 0.2},
        "output": {"path": "out/{year}"},
        **more,
    }
    return parse_any(yaml.safe_dump(document, sort_keys=False))


def test_what_is_withheld_stops_nothing_and_adds_nothing(seen: Seen) -> None:
    done = run_bulk(bulk(), Backend(threads=2))
    states = {name: one.state for name, one in done.outcomes.items()}
    assert states == {"2010": "released", "2011": "withheld", "2012": "released"}
    assert seen == [("2010", []), ("2011", ["2010"]), ("2012", ["2010"])]
    with pytest.raises(WithheldError, match="1 of 3 releases are withheld") as caught:
        done.require()
    assert caught.value.exit_code == 5
    index = find_index("out")
    assert index is not None
    assert [one["state"] for one in index["releases"]] == ["released", "withheld", "released"]
    assert [one["gate"] for one in index["releases"]] == ["passed", None, "passed"]
    assert index["releases"][1]["failure"] == "the gate withholds it"
    page = Path("out/index.html").read_text()
    assert "withheld by the gate" in page
    assert "membership" not in page
    assert "membership" in Path("out-internal/index.html").read_text()
    assert "1 withheld by the gate" in done.text()


def test_what_is_withheld_is_judged_again_and_the_rest_is_left_alone(seen: Seen) -> None:
    run_bulk(bulk(), Backend(threads=2))
    drawn = {path: path.stat().st_mtime_ns for path in Path().rglob("*.parquet")}
    seen.clear()
    done = run_bulk(bulk(), Backend(threads=2))
    assert seen == [("2011", ["2010"])]
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*.parquet")} == drawn
    assert [one.state for one in done.outcomes.values()] == ["unchanged", "withheld", "unchanged"]


def test_what_failed_goes_before_what_is_withheld(seen: Seen) -> None:
    Path("in/2012.csv").write_text("")
    done = run_bulk(bulk(), Backend(threads=2))
    with pytest.raises(PartialError, match=r"1 of 3 releases failed[\s\S]*1 of 3 releases are withheld") as caught:
        done.require()
    assert caught.value.exit_code == 4


def test_the_axis_of_the_same_people_is_one_of_the_bulk() -> None:
    with pytest.raises(SpecError, match="did you mean 'year'"):
        bulk(bulk={"matrix": {"year": [2010]}, "cumulate": "yaer"})
    with pytest.raises(SpecError, match="without a gate"):
        parse_any(
            yaml.safe_dump(
                {
                    "bulk": {"matrix": {"year": [2010]}, "cumulate": "year"},
                    "input": {"path": "in/{year}.csv"},
                    "output": {"path": "out/{year}"},
                }
            )
        )


def test_the_record_lies_in_both_manifests(seen: Seen) -> None:
    run_bulk(bulk(), Backend(threads=2))
    for folder in ("out/2010", "out-internal/2010"):
        manifests = list(Path(folder).rglob("_manifest.json")) or list(Path(".").rglob("2010-internal/_manifest.json"))
        assert json.loads(manifests[0].read_text())["gate"]["verdict"] == "passed"
