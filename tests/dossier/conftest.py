"""A release with everything that a dossier tells of, and records of gates, written by hand."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp

SEED = 86753091
CANARY = 471147.25  # a cell
VALUE, LOW, HIGH = 0.031271, 0.021271, 0.041271  # figures of disclosure

NASTY = [
    "plain",
    "with, comma",
    'a "quoted" one',
    "é ß 漢",
    "<script>alert(1)</script>",
    "]]>&amp;",
    "tab\there",
    "007",
]
COLUMNS: dict[str, Any] = {
    "grade": {"kind": "ordered", "levels": ["lo", "mid", "hi"], "label": "Grade <b>at</b> school"},
    "income": {"label": "Income per month"},
    "asked": {"kind": "ordered", "missing_codes": {-8: "refused"}},
    "pid": {"kind": "identifier"},
}


def survey() -> pd.DataFrame:
    """Every kind of column, texts that break careless writers, missing cells and codes."""
    rng = np.random.default_rng(7)
    n = 300
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    asked = rng.integers(1, 4, n)
    asked[::9] = -8
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": np.exp(rng.normal(7, 1, n)).round(2),
            "region": rng.choice(["north", "east", "south"], n),
            "grade": rng.choice(["lo", "mid", "hi"], n),
            "text": rng.choice(NASTY, n),
            "asked": asked,
            "day": day,
            "moment": day + pd.to_timedelta(rng.integers(0, 10**6, n), unit="ms"),
            "employed": rng.random(n) < 0.5,
            'a "name",\nß': rng.choice(["a", "b"], n),
            "pid": [f"P{i:06d}" for i in rng.permutation(n)],
        }
    )
    frame["income"] += 20.0 * frame["age"]
    frame.loc[frame.index[::17], "income"] = np.nan
    frame.loc[5, "income"] = CANARY
    return frame


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release of three sets, with copies as CSV and both scripts. Nobody changes it."""
    folder = tmp_path_factory.mktemp("dossier")
    sets = rp.synthesize(survey(), m=3, seed=SEED, columns=COLUMNS, method={"pid": "surrogate"})
    sets.to_parquet(folder / "release", helpers=["r", "stata"])
    return folder


@pytest.fixture
def release(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written beside."""
    for name in ("release", "release-internal"):
        shutil.copytree(written / name, tmp_path / name)
    return tmp_path / "release"


def check(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    title = name.replace("_", " ")
    return {
        "check": name,
        "title": title,
        "verdict": verdict,
        "limit": 0.09,
        "limit_text": "at most 0.09",
        "source": "El Emam",
        "judgement": name == "membership",
        "changed": None,
        "why": "",
        "value": VALUE,
        "low": LOW,
        "high": HIGH,
        "end": "high",
        "of": "age x region",
        "figures": ["class_match"],
    } | more


def gate(verdict: str = "passed") -> dict[str, Any]:
    """The internal record of a gate."""
    worst = {"passed": "passed", "withheld": "failed", "overridden": "overridden"}[verdict]
    override = {"check": "linkability", "reason": "the terms of use forbid it", "by": "A. Owner", "date": "2026-11-30"}
    remedy = {"step": 1, "remedy": "redraw", "what": "Rows at risk were drawn again.", "rows_changed": 45}
    remedy |= {"cells_changed": 1234, "failed_before": ["linkability"], "failed_after": []}
    remedy |= {"kept": True, "utility": {"k_marginal": {"before": 951.25, "after": 948.5}}}
    return {
        "schema": 1,
        "tier": "public",
        "verdict": verdict,
        "holdout": {"share": 0.1, "rows": 30},
        "checks": [
            check("match_probability", "passed"),
            check("linkability", worst, why="more than the control"),
            check("membership", "passed", changed={"tier_limit": 0.55, "reason": "a small <i>table</i>"}),
            check("canaries", "not_judged", why="no canary was planted", value=None, low=None, high=None),
            check("population", "not_applicable", why="no frequencies were given", value=None, low=None, high=None),
            check("k_marginal", "passed"),
        ],
        "overrides": [override] if verdict == "overridden" else [],
        "remedies": [remedy],
    }


def public_of(record: dict[str, Any]) -> dict[str, Any]:
    inner = {"value", "low", "high", "end", "of", "figures"}
    checks = [{key: one[key] for key in one if key not in inner} for one in record["checks"]]
    return record | {"checks": checks}


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest, and what vouches for it."""
    path = folder / "_manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    content = json.dumps(manifest).encode()
    path.write_bytes(content)
    if (folder / "_SUCCESS").exists():
        (folder / "_SUCCESS").write_text(f"{hashlib.sha256(content).hexdigest()}  _manifest.json\n")


def judged(release: Path, verdict: str = "passed") -> Path:
    """Enter the record of a gate in both manifests, and keep evaluations beside the internal one."""
    record = gate(verdict)
    rewrite(release, lambda manifest: manifest.update(gate=public_of(record)))
    internal = release.with_name("release-internal")
    rewrite(internal, lambda manifest: manifest.update(gate=record))
    figure = {"group": "", "of": "", "baseline": 0.01, "p_value": 0.001, "flag": True, "value": 0.123457}
    settings = {"n": 300, "k": 300, "m": 3, "keys": ["age", "region"], "targets": ["income"], "seed": 1}
    found = {
        "settings": settings,
        "figures": [figure | {"measure": "replicated_uniques"}, figure | {"measure": "dcap", "of": "income"}],
        "left_out": ["linkability: too few columns"],
    }
    (internal / "disclosure.json").write_text(json.dumps(found))
    indicator = figure | {"measure": "relative_error", "of": "mean income by region", "flag": False}
    (internal / "utility.json").write_text(json.dumps({"settings": settings, "figures": [indicator], "left_out": []}))
    return release
