from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest

from replicant import release
from replicant.plan.build import build_plan
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table


@pytest.fixture(scope="session")
def real() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 60
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "weight": rng.normal(70, 9, n).round(1),
            "ratio": 0.0,
            "grade": pd.Categorical(rng.choice(["low", "mid"], n), ["low", "mid", "high"], ordered=True),
            "wave": pd.Categorical(rng.choice([1, 2, 4], n), [4, 2, 1, 8]),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "smokes": rng.choice([True, False], n),
        }
    ).assign(ratio=lambda frame: frame["weight"] / frame["age"])


@pytest.fixture(scope="session")
def table(real: pd.DataFrame) -> Any:
    return encode_table(real)


@pytest.fixture(scope="session")
def make_plan(table: Any) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        passive = {"ratio": "weight / age"}
        return build_plan(validate_synthesis(**{"m": 3, "seed": 8675309, "passive": passive, **settings}), table)

    return make


@pytest.fixture(scope="session")
def frames(real: pd.DataFrame) -> list[pd.DataFrame]:
    """Three sets of the shape a synthesis has: what is in them does not matter here."""
    return [real.sample(frac=1, replace=True, random_state=i, ignore_index=True) for i in range(3)]


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A path or URL for a release, where nothing is yet."""
    if request.param == "disk":
        yield str(tmp_path / "out" / "release")
        return
    root = f"/{uuid.uuid4().hex}"
    yield f"memory:/{root}/release"
    memory = fsspec.filesystem("memory")
    if memory.exists(root):
        memory.rm(root, recursive=True)


@pytest.fixture
def write(
    table: Any, make_plan: Callable[..., Any], frames: list[pd.DataFrame]
) -> Callable[..., list[release.SetFile]]:
    """Writes the frames as a release."""

    def write_release(
        target: str, *, overwrite: bool = False, seed: int = 8675309, helpers: Sequence[str] = (), **settings: Any
    ) -> list[release.SetFile]:
        plan = make_plan(seed=seed)
        with release.stage(target, digest=plan.digest, overwrite=overwrite, m=plan.m, **settings) as staging:
            schema, sheet = release.output_schema(plan, table), release.sheet_of(table)
            parts = [release.write_file(staging, frame, schema, i, 0) for i, frame in enumerate(frames, start=1)]
            sheets = [
                release.write_copy(staging, frame, "csv", sheet, i, 0) for i, frame in enumerate(frames, 1) if helpers
            ]
            public = release.public_manifest(plan, table, parts, sheets, sheet.missing)
            scripts = [
                release.write_helper(staging, name, release.helper_text(name, public, sheet)) for name in helpers
            ]
            if scripts:
                public["helpers"] = [asdict(script) for script in scripts]
            release.commit(staging, [*parts, *sheets, *scripts], public, release.internal_manifest(plan, table, parts))
        return parts

    return write_release
