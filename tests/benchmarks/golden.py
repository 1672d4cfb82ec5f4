"""What twenty runs give, as digests: python tests/benchmarks/golden.py [--against FILE] [--only NAME ...].

For a change that is to leave all results as they are: keep what it prints before, and compare afterwards. Runs go by
what users have (job files, the command line, `rp.synthesize`), so the script stands whatever moves within the engine.
Digests are of cells, levels and results, not of files, and hold on one machine with one set of packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import yaml

import replicant as rp
from replicant.cli.main import main as command_line

ROWS = 2000
SEED = 20


def people() -> pd.DataFrame:
    """A table with every kind of column: missing cells, codes, a spike, levels in order, dates, equal columns."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(50, 10, ROWS).round(1)
    age = rng.integers(18, 90, ROWS)
    income = np.where(rng.random(ROWS) < 0.2, 0.0, np.exp(rng.normal(7, 1, ROWS)).round(2))
    income[rng.random(ROWS) < 0.05] = np.nan
    asked = rng.integers(1, 6, ROWS)
    asked[rng.random(ROWS) < 0.1] = -8
    grade = pd.Categorical(rng.choice(["low", "middle", "high"], ROWS), ["low", "middle", "high"], ordered=True)
    word = pd.Series(rng.choice(["a", "b", "c", "d"], ROWS)).where(rng.random(ROWS) > 0.03)
    return pd.DataFrame(
        {
            "pid": [f"P{i:06d}" for i in rng.permutation(ROWS)],
            "region": rng.choice(["north", "east", "south"], ROWS, p=[0.6, 0.3, 0.1]),
            "x": x,
            "age": age,
            "income": income,
            "asked": asked,
            "grade": grade,
            "word": word,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), "D"),
            "inch": x / 2.54,
            "total": x + age,
        }
    )


SAID: dict[str, Any] = {
    "columns": {"asked": {"kind": "ordered", "missing_codes": [-8]}, "income": {"spike": [0]}},
    "synthesis": {"m": 2, "seed": 7, "drop": ["pid"]},
}
PARTS = {"partition_rows": 300}

JOBS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "synthetic": ({}, {}, ()),
    "observed": ({"conditioning": "observed"}, {}, ()),
    "proper": ({"proper": True}, {}, ()),
    "shared fits": ({"fits": "shared"}, {}, ()),
    "strata": ({"strata": "region", "min_stratum": 300}, {}, ()),
    "fewer rows": ({"k": 700}, {}, ()),
    "rules": ({"where": {"income": "income > p90", "x": "age > 60"}}, {}, ()),
    "passive": ({"passive": {"total": "x + age"}}, {}, ()),
    "sample": ({"method": "sample"}, {}, ()),
    "kept and named": ({"method": {"age": "keep"}, "predictors": {"x": ["age", "region"]}}, {}, ()),
    "surrogates": ({"drop": [], "method": {"pid": "surrogate"}}, {}, ()),
    "in order": ({"visit_sequence": "table", "minbucket": 20, "cp": 1e-4}, {}, ()),
    "processes": ({}, {}, ("--workers", "2")),
    "parts": ({}, PARTS, ()),
    "parts of strata": ({"strata": "region"}, PARTS, ()),
    "parts, rules and passive": ({"where": ["x > 40"], "passive": {"total": "x + age"}}, PARTS, ()),
    "parts, processes": ({"drop": [], "method": {"pid": "surrogate"}}, PARTS, ("--workers", "2")),
}


def runs(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every run by its name."""
    people().to_parquet(folder / "people.parquet", index=False, row_group_size=400)
    for name, (synthesis, parts, where) in JOBS.items():
        yield name, lambda n=name, s=synthesis, p=parts, w=where: _job(folder, n, s, p, w)  # type: ignore[misc]
    yield "frame with a client", _client
    yield "study", lambda: _study(folder)
    yield "bulk", lambda: _bulk(folder)


def _job(folder: Path, name: str, synthesis: dict[str, Any], parts: dict[str, Any], where: tuple[str, ...]) -> str:
    target = folder / name.replace(" ", "_").replace(",", "")
    _run(folder, _document(folder, target, synthesis | parts), where or ("--threads", "2"))
    return _of_sets(rp.read_release(target))


def _client() -> str:
    from distributed import Client

    settings: dict[str, Any] = {"columns": SAID["columns"], **SAID["synthesis"]}
    connect: Callable[..., Any] = Client
    with connect(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as client:
        return _of_sets(rp.synthesize(people(), client=client, **settings))


def _study(folder: Path) -> str:
    study = {
        "replicates": 12,
        "variants": {"synthetic": {}, "observed": {"conditioning": "observed"}},
        "estimands": [
            {"name": "means", "describe": ["x", "age"]},
            {"name": "model", "model": "ols", "formula": "x ~ age + region"},
        ],
    }
    target = folder / "study"
    _run(folder, {**_document(folder, target, {}), "study": study}, ("--threads", "2"))
    sha = hashlib.sha256()
    for table in sorted((target / "tables").glob("*.parquet")):
        sha.update(_text(pd.read_parquet(table)))
    return sha.hexdigest()


def _bulk(folder: Path) -> str:
    halves = {"old": people()[: ROWS // 2], "new": people()[ROWS // 2 :]}
    for half, rows in halves.items():
        rows.to_parquet(folder / f"{half}.parquet", index=False)
    document = {
        **_document(folder, folder / "bulk" / "{half}", {}),
        "input": {"path": f"{folder}/{{half}}.parquet"},
    }
    _run(folder, {"bulk": {"matrix": {"half": [*halves]}}, **document}, ("--threads", "2"))
    return "".join(_of_sets(rp.read_release(folder / "bulk" / half)) for half in halves)


def _document(folder: Path, target: Path, synthesis: dict[str, Any]) -> dict[str, Any]:
    return {
        "input": {"path": str(folder / "people.parquet")},
        "columns": SAID["columns"],
        "synthesis": {**SAID["synthesis"], **synthesis},
        "output": {"path": str(target)},
    }


def _run(folder: Path, document: dict[str, Any], options: tuple[str, ...]) -> None:
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    try:
        command_line(["run", str(path), "--quiet", *options])
    except SystemExit as end:
        if end.code:
            raise


def _of_sets(sets: Any) -> str:
    sha = hashlib.sha256()
    for i in range(len(sets)):
        sha.update(_text(sets[i]))
    return sha.hexdigest()


def _text(frame: pd.DataFrame) -> bytes:
    return (frame.dtypes.astype(str).to_json() + frame.to_csv(index=False, float_format="%.17g")).encode()


def main() -> None:
    """Print the digests, or what differs from those of a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--against", type=Path, help="digests to compare with")
    parser.add_argument("--only", nargs="*", help="names of runs")
    asked = parser.parse_args()
    known = json.loads(asked.against.read_text()) if asked.against else {}
    found: dict[str, str] = {}
    with TemporaryDirectory() as name:
        os.chdir(name)
        for run, made in runs(Path(name)):
            if not asked.only or run in asked.only:
                found[run] = made()
                print(f"{run}: {found[run][:16]}", file=sys.stderr)
    if not known:
        print(json.dumps(found, indent=1))
        return
    other = [run for run, digest in found.items() if known.get(run) != digest]
    print(
        f"{len(found) - len(other)} of {len(found)} runs give what they gave" + "".join(f"\n  {run}" for run in other)
    )
    sys.exit(1 if other else 0)


if __name__ == "__main__":
    main()
