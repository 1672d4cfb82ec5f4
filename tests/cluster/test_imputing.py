"""Chains of imputation on workers: the same bytes as by threads, whatever runs them, and no cell in what is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.spec.load import load_job

pytestmark = pytest.mark.cluster

ROWS = 300


def people() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    frame = pd.DataFrame({"x": rng.normal(size=ROWS).round(3), "z": rng.choice(["a", "b", "c"], ROWS)})
    frame["y"] = (1 + frame["x"] + rng.normal(size=ROWS)).round(3)
    for name in ("y", "z"):
        frame[name] = frame[name].mask(rng.random(ROWS) < 0.2)
    return frame


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as made:
        yield made


def test_a_call_on_a_client_gives_what_threads_give(client: Any) -> None:
    settings = {"m": 4, "maxit": 3, "seed": 3, "method": {"y": "norm", "z": "cart"}}
    here = rp.impute(people(), threads=1, **settings)
    there = rp.impute(people(), client=client, **settings)
    pd.testing.assert_frame_equal(here.stack(), there.stack())
    pd.testing.assert_frame_equal(here.convergence().traces, there.convergence().traces)
    pd.testing.assert_frame_equal(here.more(2).stack(), there.more(2).stack())


def test_a_dask_frame_is_imputed_in_partitions_on_the_workers(client: Any) -> None:
    import dask.dataframe as dd

    lazy = dd.from_pandas(people(), npartitions=3)
    imp = rp.impute(lazy, m=2, maxit=2, seed=3, method="cart", partition_rows=110, client=client)
    assert len(imp.to_dask(0)) == ROWS
    assert int(imp.to_dask().isna().sum().sum().compute()) == 0
    assert imp.analyse("ols", "y ~ x").pool().rule == "rubin1987"


@pytest.mark.parametrize("partition_rows", [None, 110])
def test_a_job_on_workers_writes_the_bytes_of_threads(tmp_path: Path, partition_rows: int | None) -> None:
    people().to_parquet(tmp_path / "people.parquet", row_group_size=80)
    found = []
    for name, backend in {"threads": Backend(threads=2), "workers": Backend(workers=2)}.items():
        document = {
            "input": {"path": str(tmp_path / "people.parquet")},
            "synthesis": {"m": 2, "seed": 3, "missing": "impute", "syntheses": 2, "partition_rows": partition_rows},
            "imputation": {"maxit": 2},
            "output": {"path": str(tmp_path / name)},
        }
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(document))
        run_job(load_job(tmp_path / "job.yaml"), backend)
        release = tmp_path / name
        found.append({str(path.relative_to(release)): path.read_bytes() for path in release.rglob("*.parquet")})
    assert found[0] == found[1]
