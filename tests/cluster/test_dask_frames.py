"""A Dask DataFrame on a cluster: the same sets as on threads, with no row on the client, and after a lost worker."""

from __future__ import annotations

import os
import pickle
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import psutil
import pytest
from distributed import Client, Future, LocalCluster

import replicant as rp
from replicant.errors import RunError
from replicant.execution import dask_executor
from replicant.synthesis import partitioned

pytestmark = pytest.mark.cluster

ROWS = 30_000
SETTINGS: dict[str, Any] = {"m": 2, "seed": 5, "minbucket": 50, "partition_rows": 4000}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    x = rng.normal(40, 5, ROWS)
    word = rng.choice(["yes", "no", "perhaps"], ROWS)
    return pd.DataFrame({"x": x, "y": x + rng.normal(0, 2, ROWS), "z": rng.normal(0, 1, ROWS), "word": word})


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit="1GB") as cluster,
        Client(cluster, set_as_default=True) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def expected() -> list[pd.DataFrame]:
    return list(rp.synthesize(dd.from_pandas(table(), npartitions=6), threads=1, **SETTINGS))


def test_the_active_client_holds_the_sets_and_no_row_comes_here(
    client: Client, expected: list[pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the client fetches is weighed, in bytes; the table has 1.2 MB."""
    path = tmp_path / "table.parquet"
    table().to_parquet(path, index=False, row_group_size=5000)
    real = dd.read_parquet(path, split_row_groups=1)
    fetched: list[int] = []
    gather, result = Client.gather, Future.result

    def weighed(self: Client, futures: Any, *args: Any, **rest: Any) -> Any:
        found = gather(self, futures, *args, **rest)
        fetched.append(len(pickle.dumps(found)))
        return found

    def weighed_one(self: Future[Any], *args: Any, **rest: Any) -> Any:
        found = result(self, *args, **rest)
        fetched.append(len(pickle.dumps(found)))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Client, "gather", weighed)
        patch.setattr(Future, "result", weighed_one)
        syn = rp.synthesize(real, **SETTINGS)
        pooled = syn.analyse("ols", "y ~ x").pool().frame
        syn.compare(real, "ols", "y ~ x")
        syn.summary()
        syn.plot()
        syn.to_parquet(tmp_path / "release")
        assert len(syn.to_dask()) == 2 * ROWS
        assert max(fetched) < 40_000
    assert "held by the workers" in repr(syn)
    assert syn.describe(["x"])["mean"].tolist() == pytest.approx([one["x"].mean() for one in expected])
    for one, other in zip(syn, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)
    for one, other in zip(rp.read_release(tmp_path / "release"), expected, strict=True):
        pd.testing.assert_frame_equal(one, other)
    own = rp.synthesize(dd.from_pandas(table(), npartitions=6), threads=1, **SETTINGS)
    assert pooled["estimate"].tolist() == pytest.approx(own.analyse("ols", "y ~ x").pool().frame["estimate"].tolist())
    lazy = syn.to_dask(1)
    assert lazy.dtypes.equals(expected[1].dtypes)
    pd.testing.assert_frame_equal(lazy.compute().reset_index(drop=True), expected[1])


def test_a_large_set_comes_with_a_warning(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitioned, "LARGE_BYTES", 1000)
    syn = rp.synthesize(dd.from_pandas(table(), npartitions=2), **{**SETTINGS, "m": 1})
    with pytest.warns(UserWarning, match=r"30,000 rows.*to_dask\(0\)"):
        assert len(syn[0]) == ROWS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(syn[0]) == ROWS  # it is here already


def test_what_is_wrong_with_a_partition_is_told_without_a_cell(client: Client) -> None:
    def broken(at: int) -> pd.DataFrame:
        raise ValueError(f"cannot read canary-{at}")

    lazy = dd.from_map(broken, [1, 2], meta=table().iloc[:0])
    with pytest.raises(RunError) as caught:
        rp.synthesize(lazy, m=1, seed=1)
    assert "canary" not in str(caught.value)
    assert "reading partitions" in str(caught.value)


def test_a_lost_worker_changes_nothing(
    client: Client, expected: list[pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while sets are drawn; what it held is computed again."""
    submit = dask_executor._Submissions.submit
    killed = threading.Event()

    def kill(self: Any, batch: Any, needed: Any, *, held: bool) -> Any:
        if batch[0].kind == "draw" and not killed.is_set():
            killed.set()
            number = next(iter(client.run(os.getpid).values()))
            threading.Thread(target=lambda: (time.sleep(0.5), psutil.Process(number).kill())).start()
        return submit(self, batch, needed, held=held)

    monkeypatch.setattr(dask_executor._Submissions, "submit", kill)
    syn = rp.synthesize(dd.from_pandas(table(), npartitions=6), **SETTINGS)
    assert killed.is_set()
    for one, other in zip(syn, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)
