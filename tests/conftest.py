"""What every test may ask for: the reference data beside the clone, the tables of the field, and hypothesis' profiles.

A test that starts processes (`cluster`) fails if it leaves a socket, a file or an event loop open: Python warns of them
when they are collected, which would be in some later test that has nothing to do with them.

The reference data (tables under the GPL, and numbers computed by R) are not in the repository. They are looked for in
`../shared`, or in the folder that `REPLICANT_SHARED` names; where they are absent, the tests that need them are skipped
and say so.
"""

from __future__ import annotations

import gc
import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("dev", deadline=None, max_examples=40)
settings.register_profile("check", deadline=None, max_examples=200)
settings.register_profile("quick", deadline=None, max_examples=5)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=40,
    derandomize=True,  # a red run is red again when it is repeated
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") or os.environ.get("REPLICANT_CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Have the kernel of the sources as they are, compiled once for all workers.

    Kernels that were compiled before any source of the kernel was changed are thrown away: Numba looks at the file of
    the outer function only.
    """
    if hasattr(config, "workerinput"):
        return
    kernel = ROOT / "engine" / "replicant" / "trees"
    compiled = [*(kernel / "__pycache__").glob("*.nb[ci]")]
    newest = max(source.stat().st_mtime for source in kernel.glob("*.py"))
    if compiled and newest > min(file.stat().st_mtime for file in compiled):
        for file in compiled:
            file.unlink(missing_ok=True)
    if getattr(config.option, "tx", None):  # there will be workers, each of which would compile it
        from replicant.trees.compile import ensure_compiled

        ensure_compiled()


@pytest.fixture(autouse=True)
def _nothing_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("cluster"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            gc.collect()
        assert [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)] == []


@pytest.fixture
def execute_notebook(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Executes a notebook in a folder, as the pages do."""
    monkeypatch.syspath_prepend(str(ROOT / "engine" / "docs"))
    from building.notebook import execute_notebook

    return execute_notebook


def _beside_the_clone(part: str) -> Path:
    home = Path(os.environ.get("REPLICANT_SHARED") or ROOT.parent / "shared")
    if not (home / part).is_dir():
        pytest.skip(f"no reference {part} beside the clone (../shared/{part}; REPLICANT_SHARED names another place)")
    return home / part


def _typed(frame: pd.DataFrame, schema: Path) -> pd.DataFrame:
    """The frame with the categoricals its schema file names: `ordered` and `nominal` with their levels in order."""
    for column, entry in json.loads(schema.read_text()).items():
        if entry["kind"] in {"ordered", "nominal"}:
            dtype = pd.CategoricalDtype(entry["levels"], ordered=entry["kind"] == "ordered")
            frame[column] = frame[column].astype(dtype)
    return frame


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the reference tables."""
    return _beside_the_clone("data")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Folder of the numbers that other software computed."""
    return _beside_the_clone("reference")


@pytest.fixture(scope="session")
def load_table(shared_data: Path) -> Callable[[str], pd.DataFrame]:
    """Reads one reference table with its kinds, once per session; every call hands out a copy."""
    schemas = {"boys_completed.csv": "boys.schema.json", "bench_10000.parquet": "bench.schema.json"}
    schemas |= {"boys.csv": "boys.schema.json", "bench_100000.parquet": "bench.schema.json"}
    schemas |= {"sd2011.csv": "sd2011.schema.json"}
    read: dict[str, pd.DataFrame] = {}

    def load(name: str) -> pd.DataFrame:
        if name not in read:
            path = shared_data / name
            frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
            read[name] = _typed(frame, shared_data / schemas[name])
        return read[name].copy()

    return load


@pytest.fixture
def boys(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """748 Dutch boys, completed: age, hgt, wgt, bmi, hc, tv numbers; gen, phb ordered; reg nominal."""
    return load_table("boys_completed.csv")


@pytest.fixture
def boys_incomplete(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """The boys data with their missing cells."""
    return load_table("boys.csv")


@pytest.fixture(scope="session")
def boys_spec() -> dict[str, Any]:
    """The paper's settings for the boys data: keywords of `rp.synthesize`, conditioning left open."""
    names = ["age", "hgt", "wgt", "bmi", "hc", "gen", "phb", "tv", "reg"]
    return {
        "m": 5,
        "minbucket": 3,
        "cp": 1e-8,
        "passive": {"bmi": "wgt / (hgt / 100)**2"},
        "predictors": {column: [n for n in names if n not in {column, "bmi"}] for column in ("hgt", "wgt")},
    }


@pytest.fixture
def sd2011(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """5000 Polish adults, 35 columns, with missing and coded missing (-8) values; factors as unordered categoricals."""
    return load_table("sd2011.csv")


@pytest.fixture
def bench_10000(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """10,000 rows: six numeric, two ordered and two nominal columns."""
    return load_table("bench_10000.parquet")


@pytest.fixture
def bench_100000(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """100,000 rows: six numeric, two ordered and two nominal columns."""
    return load_table("bench_100000.parquet")
