"""Estimators on partitions that live on workers: the figures of one process, and no row ever leaves a worker."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client
from pandas.testing import assert_frame_equal

import replicant as rp
from replicant import release
from replicant.analysis import analyse
from replicant.estimate import correlation, describe, fit
from replicant.execution import dask_client, partitions
from replicant.execution.dask_executor import DaskExecutor
from replicant.execution.partitions import RemotePartitions
from replicant.plan import build_plan
from replicant.release import read
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table

pytestmark = pytest.mark.cluster

CANARY = "canary-zebra"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with dask_client.local_cluster(2) as client:
        yield client


def sample(rows: int, seed: int) -> pd.DataFrame:
    """Ten columns, one of them a weight."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, rows))
    g = rng.integers(0, 4, rows)
    y = x - z / 2 + g / 3 + rng.normal(size=rows)
    grade = np.digitize(y + rng.logistic(size=rows), [-1, 1])
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "y": y,
            "yes": (y + rng.logistic(size=rows) > 0).astype(int),
            "g": pd.Categorical.from_codes(g, ["a", "b", "c", "d"]),
            "grade": pd.Categorical.from_codes(grade, ["low", "mid", "high"], ordered=True),
            "w": rng.integers(1, 4, rows),
            "u": rng.exponential(size=rows),
            "v": rng.random(rows).round(2),
            "t": rng.choice(["north", "south"], rows),
        }
    )


def write(path: Path, m: int, partitions: int, rows: int) -> list[pd.DataFrame]:
    """A release of so many files a set; returns the sets."""
    frames = [[sample(rows, 100 * i + j) for j in range(partitions)] for i in range(m)]
    table = encode_table(frames[0][0])
    plan = build_plan(validate_synthesis(m=m, seed=3), table)
    schema = release.output_schema(plan, table)
    with release.stage(path, digest=plan.digest, m=m) as staging:
        parts = [
            release.write_file(staging, frame, schema, i, j)
            for i, one in enumerate(frames, start=1)
            for j, frame in enumerate(one)
        ]
        release.commit(staging, parts, release.public_manifest(plan, table, parts), None)
    return [pd.concat(one, ignore_index=True) for one in frames]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reduce")


@pytest.fixture(scope="module")
def sets(place: Path) -> list[pd.DataFrame]:
    """Two sets, which stand in ten files each in a release."""
    return write(place / "release", 2, 10, 150)


@pytest.fixture
def far(place: Path, sets: list[pd.DataFrame], two_workers: Any) -> Any:
    return rp.read_release(place / "release", client=two_workers)


def totals(frame: pd.DataFrame, weights: Any) -> np.ndarray[Any, Any]:
    w = np.ones(len(frame)) if weights is None else weights
    return np.array([w @ frame["x"], w @ frame["u"], w @ frame["x"] ** 2])


# --- the same figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 8, 27])
@pytest.mark.parametrize("weights", [None, "w"])
def test_sums_are_those_of_the_rows(partitions: int, weights: str | None, two_workers: Any) -> None:
    """To 1e-12, against sums without rounding; and the tree's bits, by hand."""
    loads = [partial(sample, 50 + i, i) for i in range(partitions)]
    source = RemotePartitions(DaskExecutor(two_workers), loads).source(weights)
    assert (source.n_partitions, source.cached, source.remote) == (partitions, False, True)
    found = source.reduce(totals, np.add)
    frames = [load() for load in loads]
    whole = pd.concat(frames)
    w = np.ones(len(whole)) if weights is None else whole[weights].to_numpy()
    exact = [fsum(w * whole["x"]), fsum(w * whole["u"]), fsum(w * whole["x"] ** 2)]
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12 * np.abs(whole["x"]).sum())
    states = [totals(frame, None if weights is None else frame[weights].to_numpy(float)) for frame in frames]
    while len(states) > 1:
        states = [sum(states[i + 1 : i + 8], start=states[i]) for i in range(0, len(states), 8)]
    np.testing.assert_array_equal(found, states[0])


@pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_the_number_of_workers_changes_no_bit(workers: int, far: Any, place: Path) -> None:
    expected = far.analyse("logit", "yes ~ x + z + g")
    with dask_client.local_cluster(workers) as client:
        found = rp.read_release(place / "release", client=client).analyse("logit", "yes ~ x + z + g")
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one.estimates, other.estimates)
        np.testing.assert_array_equal(one.covariance, other.covariance)


@pytest.mark.parametrize(
    ("model", "formula", "options"),
    [
        ("ols", "y ~ x + poly(z, 2) + g", {}),
        ("ols", "y ~ x + t", {"weights": "w", "weight_kind": "survey"}),
        ("logit", "yes ~ .", {"weights": "w", "weight_kind": "frequency"}),
        ("logit", "yes ~ x", {"weights": "w", "weight_kind": "survey", "strata": "t", "clusters": "v", "nest": True}),
        ("ols", "y ~ x", {"cluster": "v"}),
        ("poisson", "yes ~ x", {"cov": "HC3"}),
        ("polr", "grade ~ x + g", {}),
        ("polr", "grade ~ x", {"weights": "w", "weight_kind": "survey"}),
        ("multinomial", "g ~ x + z", {}),
        ("gamma", "u ~ v", {"link": "log"}),
    ],
)
def test_models_are_those_of_whole_frames(
    model: str, formula: str, options: dict[str, Any], far: Any, sets: list[pd.DataFrame]
) -> None:
    found = far.analyse(model, formula, **options)
    for one, expected in zip(found, analyse(sets, far.manifest, model, formula, **options), strict=True):
        assert (one.terms, one.formula, one.messages) == (expected.terms, expected.formula, expected.messages)
        np.testing.assert_allclose(one.estimates, expected.estimates, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one.covariance, expected.covariance, rtol=1e-6, atol=1e-10)
    assert found.pool().frame.notna().all(axis=None)


def test_descriptions_are_those_of_whole_frames(far: Any, sets: list[pd.DataFrame]) -> None:
    table = far.describe(weights="w", quantiles=[0.1])
    for i, frame in enumerate(sets, start=1):
        found = table[table["imputation"] == i].drop(columns="imputation").reset_index(drop=True)
        assert_frame_equal(found, describe(frame, weights="w", quantiles=[0.1]), rtol=1e-9)
    shares = far.shares(["g"])
    counts = shares[shares["imputation"] == 2].set_index("level")["n"]
    assert counts.to_dict() == sets[1]["g"].value_counts().to_dict()
    for method in ("pearson", "spearman"):
        one = far.correlation(["x", "y", "u"], method=method)[0]
        np.testing.assert_allclose(one.matrix, sets[0][["x", "y", "u"]].corr(method), rtol=1e-9)
        assert one.n == correlation(sets[0], ["x", "y", "u"]).n


def test_summary_and_plot_load_no_set_here(
    far: Any, place: Path, sets: list[pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files become frames is barred in this process; the workers have their own."""
    expected = rp.read_release(place / "release").summary()
    monkeypatch.setattr(read, "from_arrow", _barred)
    found = far.summary()
    assert [column["name"] for column in found["columns"]] == list(sets[0])
    for mine, other in zip(found["columns"], expected["columns"], strict=True):
        assert (mine["synthetic"].keys(), mine["type"]) == (other["synthetic"].keys(), other["type"])
        for key in other["synthetic"].keys() & {"mean", "sd", "missing", "shares", "counts"}:
            assert mine["synthetic"][key] == pytest.approx(other["synthetic"][key], rel=1e-9)
        assert mine.get("edges", []) == pytest.approx(other.get("edges", []))
    by_name = {column["name"]: column["synthetic"]["each"] for column in found["columns"]}
    for i, frame in enumerate(sets):
        assert by_name["u"][i]["mean"] == pytest.approx(frame["u"].mean(), rel=1e-12)
        assert by_name["u"][i]["sd"] == pytest.approx(frame["u"].std(), rel=1e-9)
        assert by_name["g"][i]["shares"] == pytest.approx(frame["g"].value_counts(normalize=True, sort=False).tolist())
    assert len(far.plot("u", "g").pictures) == 2


def _barred(*args: Any) -> pd.DataFrame:
    raise AssertionError("a set was loaded in the client's process")


@pytest.mark.parametrize("real_is", ["frame", "file", "csv", "folder"])
def test_real_data_beside_it(real_is: str, far: Any, place: Path, sets: list[pd.DataFrame], tmp_path: Path) -> None:
    real = sample(900, 7)
    given: Any = real
    if real_is == "file":
        real.to_parquet(given := tmp_path / "real.parquet", row_group_size=200)
    elif real_is == "csv":
        real.to_csv(given := tmp_path / "real.csv", index=False)
    elif real_is == "folder":
        real.to_parquet(given := tmp_path / "real", partition_cols=["t"])
        real = rp.read_data(given)
    near = rp.read_release(place / "release")
    ours, theirs = (one.compare(data, "ols", "y ~ x + z") for one, data in ((far, given), (near, real)))
    assert_frame_equal(ours.frame, theirs.frame, rtol=1e-7)
    ours, theirs = (
        one.discriminate(data, "~ x + z + v", weights="w", weight_kind="survey")
        for one, data in ((far, given), (near, real))
    )
    for one, other in zip(ours.scores, theirs.scores, strict=True):
        np.testing.assert_allclose(one.fit.estimates, other.fit.estimates, rtol=1e-6, atol=1e-9)
        assert one.pmse == pytest.approx(other.pmse, rel=1e-6)
        assert one.auc == pytest.approx(other.auc, abs=1e-9)
        assert 0 < one.auc_error < 1e-3


# --- where rows are ---------------------------------------------------------------------------------------------------


def outgoing(client: Any) -> list[tuple[set[str], int]]:
    """What workers sent to others than workers: keys and bytes."""
    addresses = set(client.scheduler_info(n_workers=-1)["workers"])
    logs = client.run(_sent)
    return [(keys, size) for log in logs.values() for who, keys, size in log if who not in addresses]


def _sent(dask_worker: Any) -> list[tuple[str | None, set[str], int]]:
    return [(entry["who"], set(entry["keys"]), entry["total"]) for entry in dask_worker.transfer_outgoing_log]


def all_of_it(one: Any, real: Any) -> None:
    one.analyse("ols", "y ~ x + z + u + v + g").pool()
    one.analyse("logit", "yes ~ x + z", weights="w")
    one.analyse("polr", "grade ~ x + z")
    one.compare(real, "ols", "y ~ x")
    one.discriminate(real)
    one.shares()
    one.correlation()


def test_no_row_leaves_a_worker(far: Any, place: Path, two_workers: Any, tmp_path: Path) -> None:
    """Every answer that reached this process is smaller than a frame would be, and none is one of the frames."""
    rows, partitions = 30_000, 6
    write(tmp_path / "release", 1, partitions, rows // partitions)
    sample(rows, 1).to_parquet(tmp_path / "real.parquet", row_group_size=5000)
    before = len(outgoing(two_workers))
    all_of_it(rp.read_release(tmp_path / "release", client=two_workers), tmp_path / "real.parquet")
    sent = outgoing(two_workers)[before:]
    assert len(sent) > 10  # how many go in one answer hangs on how long they take
    assert all(key.startswith(("sum-", "partition-", "summary-")) for keys, _ in sent for key in keys)
    assert max(size for _, size in sent) < MEGABYTE
    # This sees a frame that is brought here.
    two_workers.submit(sample, rows, 2, key="a-frame").result()
    assert max(size for _, size in outgoing(two_workers)) > MEGABYTE


@pytest.mark.slow
def test_no_row_of_a_million_leaves_a_worker(tmp_path: Path) -> None:
    write(tmp_path / "release", 1, 20, 50_000)
    for i in range(4):
        (tmp_path / "real").mkdir(exist_ok=True)
        sample(50_000, 1000 + i).to_parquet(tmp_path / "real" / f"part-{i}.parquet")
    with dask_client.local_cluster(2) as client:
        far = rp.read_release(tmp_path / "release", client=client)
        all_of_it(far, tmp_path / "real")
        assert max(size for _, size in outgoing(client)) < MEGABYTE
        # Quantiles come of a summary of at most 65,536 points of 16 bytes for each column, whatever the rows.
        far.describe()
        assert max(size for _, size in outgoing(client)) < 10 * 1.1 * MEGABYTE


def test_what_does_not_reduce_is_refused(far: Any, sets: list[pd.DataFrame]) -> None:
    for model, formula in (("quantreg", "y ~ x"), (_mean, "")):
        with pytest.raises(rp.SpecError, match="rows stay on the cluster"):
            far.analyse(model, formula)
    with pytest.raises(rp.SpecError, match="name of a column"):
        far.correlation(weights=np.ones(3))
    with pytest.raises(rp.SpecError, match="not a column of the table"):
        far.describe(weights="nothing")


def _mean(frame: pd.DataFrame) -> Any:
    return ["x"], [frame["x"].mean()], [1.0]


class Counted:
    """Loads a sample and leaves a mark each time."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, str(folder)

    def __call__(self) -> pd.DataFrame:
        Path(self.folder, f"{self.seed}-{time.time_ns()}").touch()
        return sample(200, self.seed)


def test_partitions_stay_where_they_fit(two_workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded once to be measured and once to stay; or by each reduction."""
    estimates = []
    for share in (0.25, 0.0):
        monkeypatch.setattr(partitions, "KEPT_SHARE", share)
        (folder := tmp_path / str(share)).mkdir()
        parts = RemotePartitions(DaskExecutor(two_workers), [Counted(seed, folder) for seed in range(10)])
        found = fit("logit", "yes ~ x + z", parts)
        loads = len(list(folder.iterdir())) / 10
        assert loads == 2 if share else loads > 5
        estimates.append(found.estimates)
    np.testing.assert_array_equal(*estimates)
    until = time.monotonic() + 20
    while two_workers.run_on_scheduler(_tasks) and time.monotonic() < until:
        time.sleep(0.1)
    assert two_workers.run_on_scheduler(_tasks) == []


def _tasks(dask_scheduler: Any) -> list[str]:
    return list(dask_scheduler.tasks)


# --- when things go wrong ---------------------------------------------------------------------------------------------


class KillsOnce:
    """Kills its process when it is first called a second time."""

    def __init__(self, flag: Path) -> None:
        self.flag = str(flag)

    def __call__(self) -> pd.DataFrame:
        marks = [Path(f"{self.flag}-{i}") for i in range(2)]
        if not marks[0].exists():
            marks[0].touch()
        elif not marks[1].exists():
            marks[1].touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return sample(200, 0)


def test_a_lost_worker_changes_nothing(tmp_path: Path) -> None:
    loads: list[Callable[[], pd.DataFrame]] = [partial(sample, 200, seed) for seed in range(1, 12)]
    with dask_client.local_cluster(1) as client:
        found = fit(
            "logit", "yes ~ x + z + g", RemotePartitions(DaskExecutor(client), [KillsOnce(tmp_path / "killed"), *loads])
        )
    assert (tmp_path / "killed-1").exists()
    expected = fit("logit", "yes ~ x + z + g", [partial(sample, 200, 0), *loads])
    np.testing.assert_allclose(found.estimates, expected.estimates, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9)


def test_a_scheduler_that_dies_is_named(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    # Processes that did not start here import this file by its name.
    found = {"PYTHONPATH": os.pathsep.join([ENVIRONMENT["PYTHONPATH"], str(Path(__file__).parents[2])])}
    common = {"env": ENVIRONMENT | found, "cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    here = ["--host", "127.0.0.1", "--scheduler-file", str(file), "--dashboard-address", "127.0.0.1:0"]
    dask = [sys.executable, "-m", "dask"]
    with subprocess.Popen([*dask, "scheduler", "--port", "0", *here], **common) as scheduler:
        until = time.monotonic() + 30
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        with subprocess.Popen([*dask, "worker", "--nthreads", "1", "--no-nanny", *here], **common) as worker:
            try:
                with dask_client.connect(json.loads(file.read_text())["address"]) as client:
                    parts = RemotePartitions(DaskExecutor(client), [partial(_slow, tmp_path / "begun")] * 100)
                    threading.Thread(target=_kill_when, args=(tmp_path / "begun", scheduler)).start()
                    with pytest.raises(rp.ReplicantError, match="connection to the Dask scheduler was lost"):
                        describe(parts)
            finally:
                worker.kill()
                scheduler.kill()


def _slow(mark: Path) -> pd.DataFrame:
    mark.touch()
    time.sleep(0.5)
    return sample(10, 0)


def _kill_when(mark: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()


def test_failures_arrive_without_a_cell(far: Any, two_workers: Any, place: Path, tmp_path: Path) -> None:
    loads = [*(partial(sample, 20, i) for i in range(9)), _stumble]
    with pytest.raises(rp.ReplicantError, match=r"partition-9.*ValueError") as caught:
        describe(RemotePartitions(DaskExecutor(two_workers), loads))
    assert CANARY not in str(caught.value)
    with pytest.raises(rp.DataError, match="1 weights are negative"):
        describe(RemotePartitions(DaskExecutor(two_workers), [_badly_weighted]), weights="w")
    logs = str(two_workers.get_worker_logs()) + str(two_workers.get_scheduler_logs())
    assert CANARY not in logs
    write(tmp_path / "release", 1, 2, 40)
    changed = next((tmp_path / "release").rglob("*.parquet"))
    changed.write_bytes(changed.read_bytes()[::-1])
    with pytest.raises(rp.ReleaseError, match="hash differs"):
        rp.read_release(tmp_path / "release", client=two_workers).shares()


def _stumble() -> pd.DataFrame:
    raise ValueError(CANARY)


def _badly_weighted() -> pd.DataFrame:
    return pd.DataFrame({"t": [CANARY, "b"], "w": [1.0, -1.0]})


def test_keys_hold_no_cell(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    submit = Client.submit

    def watch(self: Client, *args: Any, key: str, **rest: Any) -> Any:
        seen.append(key)
        return submit(self, *args, key=key, **rest)

    monkeypatch.setattr(Client, "submit", watch)
    parts = RemotePartitions(DaskExecutor(two_workers), [partial(_word, i) for i in range(10)])
    fit("ols", "y ~ t", parts)
    assert {key.partition("-")[0] for key in seen} == {"shared", "partition", "sum", "load", "summary", "held"}
    assert not any(CANARY in key for key in seen)


def _word(seed: int) -> pd.DataFrame:
    return sample(30, seed).assign(t=lambda frame: np.where(frame["x"] > 0, CANARY, "other"))


def test_an_asynchronous_client_is_refused(place: Path, sets: list[pd.DataFrame]) -> None:
    class Asynchronous:
        asynchronous = True

    with pytest.raises(rp.SpecError, match="asynchronous"):
        rp.read_release(place / "release", client=Asynchronous())  # type: ignore[arg-type]


# --- from a shell -----------------------------------------------------------------------------------------------------


def test_replicant_pool_on_workers(place: Path, sets: list[pd.DataFrame]) -> None:
    """Relative paths are this process's."""
    expected = rp.read_release(place / "release").analyse("polr", "grade ~ x + g", weights="w").pool().frame
    words = ["pool", "release", "--model", "polr", "--formula", "grade ~ x + g", "--weights", "w", "--csv"]
    done = subprocess.run(
        [sys.executable, "-m", "replicant.cli.main", *words, "--workers", "2"],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["term"] for row in rows] == list(expected["term"])
    np.testing.assert_allclose([float(row["std_error"]) for row in rows], expected["std_error"], rtol=1e-6)
