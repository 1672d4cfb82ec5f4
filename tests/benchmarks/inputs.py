"""The tables that are measured on: those of `../shared` where they are, else our own of the same shape."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Absent", "bench", "bench_path", "boys", "boys_incomplete", "codebook", "nhanes2", "sd2011", "shared"]

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "bench"


class Absent(Exception):
    """What a case needs is not on this machine."""


def shared(part: str) -> Path:
    """Folder `data` or `reference` beside the clone (or under `REPLICANT_SHARED`); it may be absent."""
    return Path(os.environ.get("REPLICANT_SHARED") or ROOT.parent / "shared") / part


def boys() -> pd.DataFrame:
    """The boys data, completed (748 x 9)."""
    return _typed(pd.read_csv(_needed("boys_completed.csv")), "boys.schema.json")


def boys_incomplete() -> pd.DataFrame:
    """The boys data as they are (748 x 9)."""
    return _typed(pd.read_csv(_needed("boys.csv")), "boys.schema.json")


def nhanes2() -> pd.DataFrame:
    """The nhanes2 data of R's mice (25 x 4), which are under the GPL: R gives them."""
    rscript = shutil.which("Rscript")
    said = "write.csv(mice::nhanes2, row.names = FALSE, na = '')"
    done = rscript and subprocess.run([rscript, "-e", said], capture_output=True, text=True, check=False)
    if not done or done.returncode:
        raise Absent("needs R with mice")
    return pd.read_csv(io.StringIO(done.stdout)).astype({"age": "category", "hyp": "category"})


def sd2011() -> pd.DataFrame:
    """SD2011, whole (5000 x 35)."""
    return _typed(pd.read_csv(_needed("sd2011.csv")), "sd2011.schema.json")


def bench_path(n: int) -> Path:
    """Parquet file of an n x 10 mixed table, made once under build/bench (in a process of its own)."""
    ready = shared("data") / f"bench_{n}.parquet"
    if ready.exists():
        return ready
    script = shared("data") / "make_bench.py"
    script = script if script.exists() else Path(__file__).with_name("make_table.py")
    made = BUILT / f"{script.stem}-{n}.parquet"
    if not made.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(script), str(n), str(made.with_suffix(".partial"))], check=True)
        made.with_suffix(".partial").rename(made)
    return made


def bench(n: int) -> pd.DataFrame:
    """The n x 10 mixed table, its ordered and nominal columns as categoricals."""
    frame = pd.read_parquet(bench_path(n))
    return _typed(frame, "bench.schema.json") if "ord1" in frame else frame


def codebook(n: int) -> dict[str, dict[str, Any]]:
    """What `rp.synthesize(path, columns=...)` needs to be told of the table in `bench_path(n)`: its ordered columns."""
    if "make_table" in bench_path(n).name:
        return {}
    schema = json.loads((shared("data") / "bench.schema.json").read_text())
    return {c: {"kind": "ordered", "levels": s["levels"]} for c, s in schema.items() if s["kind"] == "ordered"}


def _needed(name: str) -> Path:
    path = shared("data") / name
    if not path.exists():
        raise Absent(f"needs ../shared/data/{name}")
    return path


def _typed(frame: pd.DataFrame, schema: str) -> pd.DataFrame:
    for column, entry in json.loads(_needed(schema).read_text()).items():
        if entry["kind"] in {"ordered", "nominal"}:
            dtype = pd.CategoricalDtype(entry["levels"], ordered=entry["kind"] == "ordered")
            frame[column] = frame[column].astype(dtype)
    return frame
