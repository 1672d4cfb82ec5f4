"""Real worker processes: the same bytes as in this process, and nothing left behind whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.utils import key_split
from distributed import Client, LocalCluster
from pandas.testing import assert_frame_equal

import replicant as rp
from replicant.execution import dask_client
from replicant.execution.backend import Backend
from replicant.execution.dask_executor import DaskExecutor
from replicant.execution.executor import ThreadExecutor
from replicant.execution.partitions import RemotePartitions
from replicant.execution.progress import Progress
from replicant.plan import build_plan
from replicant.run.in_memory import run_plan
from replicant.run.job import run_job
from replicant.run.source import Source
from replicant.spec.load import parse_job, validate_synthesis
from replicant.table import encode_table

pytestmark = pytest.mark.cluster

CANARY = "canary-zebra"

# Processes in another folder find the package too, installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}


def records() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 300
    x = rng.normal(50, 9, n).round(1)
    y = np.round(x / 2 + rng.normal(0, 2, n), 1)
    y[rng.random(n) < 0.1] = np.nan
    word = [CANARY, *rng.choice(["yes", "no"], n - 1)]
    return pd.DataFrame({"x": x, "y": y, "region": rng.choice(["north", "south", "west"], n), "word": word})


@pytest.fixture
def frame() -> pd.DataFrame:
    return records()


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with dask_client.local_cluster(2) as client:
        yield client


class Notes(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.done = 0

    def note(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, units: int) -> None:
        self.done += units


def job_text(folder: Path, release: str, extra: str = "", beside: str = "") -> str:
    return f"""
input: {{path: {folder / "data.parquet"}}}
columns: {{word: {{kind: nominal}}}}
synthesis: {{m: 3, seed: 5{extra}}}
output: {{path: {folder / release}{beside}}}
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.*")
        if path.name != "_manifest.json"  # it says the day
    }


# --- same bytes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "workers", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(4, marks=pytest.mark.slow)]
)
def test_workers_do_not_matter(workers: int, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "data.parquet")
    extra = ", strata: region, min_stratum: 20"
    beside = ", helpers: [r, stata]"
    run_job(parse_job(job_text(tmp_path, "threads", extra, beside)), Backend(threads=1))
    result = run_job(parse_job(job_text(tmp_path, "workers", extra, beside)), Backend(workers=workers))
    assert digests(tmp_path / "threads") == digests(tmp_path / "workers")
    assert len(digests(tmp_path / "workers")) == 9 + 9 + 2
    assert rp.verify_release(tmp_path / "workers").ok
    assert result.summary["m"] == 3


@pytest.mark.parametrize(
    "settings", [{}, {"conditioning": "observed"}, {"where": ["x > p80"]}, {"passive": {"z": "x * 2"}}], ids=str
)
def test_frames_from_a_client(settings: dict[str, Any], frame: pd.DataFrame, tmp_path: Path, two_workers: Any) -> None:
    frame["z"] = frame["x"] * 2
    frame.to_parquet(tmp_path / "data.parquet")
    expected = rp.synthesize(frame, m=3, seed=5, **settings)
    for data in (frame, tmp_path / "data.parquet"):
        found = rp.synthesize(data, m=3, seed=5, client=two_workers, **settings)
        for one, other in zip(expected, found, strict=True):
            assert_frame_equal(one, other)


def test_fits_as_tasks_of_their_own(frame: pd.DataFrame, two_workers: Any) -> None:
    """Models travel between workers."""
    from dataclasses import replace

    from replicant.plan.task import Task, linked

    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=2, seed=5), table)
    fits = [Task(f"fit-{i}-{name}", "fit", 0, (i,), (name,)) for i in range(2) for name in plan.fitted]
    draws = [Task(f"draw-{i}", "draw", 0, (i,)) for i in range(2)]
    cut = replace(plan, tasks=linked([*fits, *draws], plan.fitted, plan.shares_fits))
    notes = Notes()
    found = run_plan(cut, table, DaskExecutor(two_workers, notes))
    for one, other in zip(run_plan(plan, table, ThreadExecutor()), found, strict=True):
        np.testing.assert_array_equal(one.codes, other.codes)
    assert notes.done == len(fits) + 2


def test_a_registered_method_reaches_the_workers(frame: pd.DataFrame, two_workers: Any) -> None:
    rp.register_method("first-value", _First())
    found = rp.synthesize(frame, m=1, seed=5, method={"x": "first-value"}, client=two_workers)
    assert found[0]["x"].nunique() == 1


class _First:
    """Draws the first observed value."""

    def fit(self, y: Any, x: Any, weights: Any, rng: Any) -> _First:
        self.code = int(np.asarray(y.codes)[0])
        return self

    def draw(self, x: Any, rng: Any) -> Any:
        return np.full(x.size, self.code, dtype=np.int32)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker of two threads, started as anyone would start them; this module is there, too."""
    (tmp_path / "dask").mkdir()
    path = os.pathsep.join([ENVIRONMENT["PYTHONPATH"], str(Path(__file__).parents[2])])
    address_file = tmp_path / "dask" / "scheduler.json"
    common: dict[str, Any] = {"env": {**ENVIRONMENT, "PYTHONPATH": path}, "cwd": tmp_path / "dask"}
    common |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common["start_new_session"] = True  # so that a worker and the process it watches can be ended together
    here = ["--host", "127.0.0.1", "--scheduler-file", str(address_file), "--dashboard-address", "127.0.0.1:0"]
    dask = [sys.executable, "-m", "dask"]
    with subprocess.Popen([*dask, "scheduler", "--port", "0", *here], **common) as process:
        until = time.monotonic() + 30
        while not address_file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        with subprocess.Popen([*dask, "worker", "--nthreads", "2", *here], **common) as worker:
            yield json.loads(address_file.read_text())["address"], process
            _ended(worker)
        _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Ended, whatever state its scheduler was left in: a worker of a dead one may not answer to a request."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def test_scheduler_by_address(frame: pd.DataFrame, tmp_path: Path, scheduler: tuple[str, Any]) -> None:
    """From the command line, where no other client is about; relative paths are this process's."""
    frame.to_parquet(tmp_path / "data.parquet")
    run_job(parse_job(job_text(tmp_path, "threads")), Backend(threads=1))
    text = job_text(tmp_path, "remote").replace(f"{tmp_path}/", "")
    (tmp_path / "job.yaml").write_text(text)
    done = command(tmp_path, "run", "job.yaml", "--scheduler", scheduler[0])
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "threads") == digests(tmp_path / "remote")
    # What tasks need is imported by workers only.
    with Client(scheduler[0], set_as_default=False) as client:
        imported = client.run_on_scheduler(lambda: set(sys.modules))
    assert imported & {"pandas", "pyarrow", "numba", "pydantic", "replicant.plan", "replicant.table"} == set()


@pytest.mark.parametrize("moment", ["wait_for_workers", "scatter", "submit", "gather", "nthreads", "compute"])
def test_a_scheduler_that_dies(
    moment: str, frame: pd.DataFrame, scheduler: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is asked for just then."""
    address, process = scheduler
    # Dask's client may stumble over its own timeout while it closes.
    with suppress(RuntimeError), Client(address, set_as_default=False, timeout=3) as client:
        client.wait_for_workers(1)
        call = getattr(client, moment)

        def killed(*args: Any, **options: Any) -> Any:
            process.kill()
            process.wait()
            return call(*args, **options)

        monkeypatch.setattr(client, moment, killed)
        with pytest.raises(rp.ReplicantError, match="connection"):
            _asked_for_all(client, frame)
        assert process.returncode is not None


def _asked_for_all(client: Any, frame: pd.DataFrame) -> None:
    rp.synthesize(frame, m=3, seed=1, client=client)
    parts = dd.from_pandas(frame, npartitions=2).to_delayed()
    RemotePartitions(DaskExecutor(client), parts).source(None).reduce(_rows, int.__add__)


def _rows(frame: pd.DataFrame, weights: Any) -> int:
    return len(frame)


def test_a_scheduler_that_dies_meanwhile(frame: pd.DataFrame, scheduler: tuple[str, Any], tmp_path: Path) -> None:
    """While a worker is at it."""
    address, process = scheduler
    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=400, seed=1), table)
    at_it = tmp_path / "at it"

    def kill() -> None:
        until = time.monotonic() + 60
        while not at_it.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()

    with Client(address, set_as_default=False, timeout=3) as client:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(rp.ReplicantError, match="connection"):
            run_plan(plan, table, DaskExecutor(client), sink=_Slow(str(at_it)))
        killer.join()
    assert at_it.exists()


class _Slow:
    """Says that it is at it, and takes its time."""

    def __init__(self, flag: str) -> None:
        self.flag = flag

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int, trace: Any) -> int:
        Path(self.flag).touch()
        time.sleep(0.1)
        return imputation


def command(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    words = [sys.executable, "-m", "replicant.cli.main", *args]
    return subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)


# --- the cluster itself -----------------------------------------------------------------------------------------------


def test_a_local_cluster_listens_on_this_machine_only(two_workers: Any) -> None:
    info = two_workers.scheduler_info(n_workers=-1)
    addresses = [two_workers.scheduler.address, *info["workers"], *(w["nanny"] for w in info["workers"].values())]
    assert len(addresses) == 5
    assert all(address.startswith("tcp://127.0.0.1:") for address in addresses)
    assert "//127.0.0.1:" in two_workers.dashboard_link
    assert {worker["nthreads"] for worker in info["workers"].values()} == {1}
    listening = two_workers.run_on_scheduler(_dashboard_addresses)
    assert listening
    assert set(listening) == {"127.0.0.1"}


def _dashboard_addresses(dask_scheduler: Any) -> list[str]:
    sockets = dask_scheduler.http_server._sockets.values()
    return [one.getsockname()[0] for one in sockets]


def test_what_workers_spill_is_private_and_goes_with_them(frame: pd.DataFrame) -> None:
    with dask_client.local_cluster(1) as client:
        [worker] = client.scheduler_info()["workers"].values()
        folder = Path(worker["local_directory"])
        parents = [parent for parent in folder.parents if parent.name.startswith("replicant-")]
        assert stat.S_IMODE(parents[0].stat().st_mode) == 0o700
    assert not parents[0].exists()


def test_keys_hold_no_cell_no_two_runs_share_one_and_nothing_stays(frame: pd.DataFrame, two_workers: Any) -> None:
    seen: list[str] = []
    submit = two_workers.submit

    def watch(*args: Any, key: str, **rest: Any) -> Any:
        seen.append(key)
        return submit(*args, key=key, **rest)

    two_workers.submit = watch
    try:
        for _ in range(2):
            rp.synthesize(frame, m=3, seed=5, client=two_workers)
    finally:
        del two_workers.submit
    assert seen
    assert len(set(seen)) == len(seen)
    assert not any(CANARY in key for key in seen)
    # What the dashboard calls them: Dask's own rule.
    assert {key_split(key) for key in seen} <= {"shared", "load", "prepare", "fit", "draw"}
    assert {"shared", "draw"} <= {key_split(key) for key in seen}
    until = time.monotonic() + 20
    while two_workers.run_on_scheduler(_task_count) and time.monotonic() < until:
        time.sleep(0.1)
    assert two_workers.run_on_scheduler(_task_count) == 0


def _task_count(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


@pytest.mark.parametrize("bokeh", [True, False])
def test_the_dashboard_is_announced_once(bokeh: bool, two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    monkeypatch.setattr(dask_client, "find_spec", lambda name: object() if bokeh else None)
    dask_client.announce(two_workers, notes)
    [line] = notes.lines
    with urllib.request.urlopen(line.removeprefix("dashboard: "), timeout=20) as page:
        assert page.status == 200
    assert line.endswith("/status" if bokeh else "/workers.html")


# --- when things go wrong ---------------------------------------------------------------------------------------------


def test_an_error_in_a_task_arrives_with_its_type(frame: pd.DataFrame, tmp_path: Path, two_workers: Any) -> None:
    source = Source.at(tmp_path / "gone.parquet")
    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=2, seed=1), table)
    with pytest.raises(rp.DataError, match=r"gone\.parquet"):
        run_plan(plan, source, DaskExecutor(two_workers))


def test_other_data_on_the_worker_are_noticed(frame: pd.DataFrame, tmp_path: Path, two_workers: Any) -> None:
    from dataclasses import replace

    frame.to_parquet(tmp_path / "data.parquet")
    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=2, seed=1), table)
    frame.iloc[::-1].to_parquet(tmp_path / "data.parquet")
    source = replace(Source.at(tmp_path / "data.parquet"), digest=table.digest())
    with pytest.raises(rp.DataError, match="another table"):
        run_plan(plan, source, DaskExecutor(two_workers))


def test_an_unexpected_exception_tells_its_type_and_task_only(frame: pd.DataFrame, two_workers: Any) -> None:
    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=2, seed=1), table)
    with pytest.raises(rp.ReplicantError, match=r"draw-\w+.*ZeroDivisionError") as caught:
        run_plan(plan, table, DaskExecutor(two_workers), sink=_stumble)
    assert CANARY not in str(caught.value)


def _stumble(frame: pd.DataFrame, imputation: int, partition: int, trace: Any) -> None:
    raise ZeroDivisionError(CANARY)


def test_a_failing_run_leaves_no_release_and_logs_no_cell(frame: pd.DataFrame, tmp_path: Path) -> None:
    """From the command line: exit code, message, nothing at the target, no cell in any log."""
    frame.to_parquet(tmp_path / "data.parquet")
    (tmp_path / "job.yaml").write_text(job_text(tmp_path, "release"))
    script = (
        "import errno, os\n"
        "if __name__ == '__main__':\n"
        "    from replicant.cli.main import main\n"
        "    main(['run', 'job.yaml', '--workers', '2'])\n"
        "else:\n"  # in the workers, the disk is full
        "    def fsync(number):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    os.fsync = fsync\n"
    )
    (tmp_path / "full.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "full.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"data.parquet", "job.yaml", "full.py"}


@pytest.mark.parametrize("by_path", [True, False], ids=["path", "frame"])
def test_a_lost_worker_changes_nothing(by_path: bool, frame: pd.DataFrame, tmp_path: Path) -> None:
    """The only worker is killed while it holds the table: it is loaded, or scattered, again."""
    table = encode_table(frame, {"word": {"kind": "nominal"}})
    frame.to_parquet(tmp_path / "data.parquet")
    data = Source.at(tmp_path / "data.parquet", {"word": {"kind": "nominal"}}) if by_path else table
    said = {"m": 3, "seed": 5, "strata": "region", "min_stratum": 20, "visit_sequence": "random"}
    plan = build_plan(validate_synthesis(**said), table)
    flag = tmp_path / "killed"
    with dask_client.local_cluster(1) as client:
        found = run_plan(plan, data, DaskExecutor(client), sink=_KillOnce(str(flag)))
    assert flag.exists()
    expected = rp.synthesize(table, **said)
    sums = {}
    for imputation, _, total in found:
        sums[imputation] = sums.get(imputation, 0) + total
    assert [round(sums[i], 6) for i in range(3)] == [round(float(one["x"].sum()), 6) for one in expected]


class _KillOnce:
    """The first call kills its process, without a word."""

    def __init__(self, flag: str) -> None:
        self.flag = flag

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int, trace: Any) -> tuple[int, int, float]:
        if imputation == 1 and not os.path.exists(self.flag):
            Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return imputation, partition, float(frame["x"].sum())


def test_a_task_that_kills_every_worker_is_given_up(frame: pd.DataFrame, tmp_path: Path) -> None:
    table = encode_table(frame)
    plan = build_plan(validate_synthesis(m=1, seed=5), table)
    frame.to_parquet(tmp_path / "data.parquet")
    with dask_client.local_cluster(1) as client, pytest.raises(rp.ReplicantError, match="died"):
        run_plan(plan, Source.at(tmp_path / "data.parquet"), DaskExecutor(client), sink=_kill)


def _kill(frame: pd.DataFrame, imputation: int, partition: int, trace: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_whose_workers_are_all_gone_ends(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies is started again; where that fails, nobody is left to wait for."""
    monkeypatch.setitem(dask_client.OF_OUR_OWN, "distributed.scheduler.no-workers-timeout", "1 s")
    frame.to_parquet(tmp_path / "data.parquet")
    plan = build_plan(validate_synthesis(m=3, seed=5), encode_table(frame))
    with dask_client.local_cluster(1) as client:
        client.cluster.scale(0)
        found = r"no worker has been left for 1 s"
        with pytest.raises(rp.ReplicantError, match=found):
            run_plan(plan, Source.at(tmp_path / "data.parquet"), DaskExecutor(client), sink=_kill)


def test_no_scheduler_there(frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "CONNECT_SECONDS", 1)
    frame.to_parquet(tmp_path / "data.parquet")
    with pytest.raises(rp.ReplicantError, match="No Dask scheduler"):
        run_job(parse_job(job_text(tmp_path, "release")), Backend(scheduler="tcp://127.0.0.1:9"))
    assert {path.name for path in tmp_path.iterdir()} == {"data.parquet"}


def test_a_scheduler_without_workers(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_client, "WORKER_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty,
        Client(empty) as client,
        pytest.raises(rp.ReplicantError, match="no worker"),
    ):
        rp.synthesize(frame, m=1, seed=1, client=client)


def test_whoever_waits_for_a_worker_is_told() -> None:
    from distributed import LocalCluster

    notes = Notes()
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as started:
        with dask_client.connect(started.scheduler_address, notes):
            assert notes.lines[1:] == ["waiting for a first worker, 300 s at most"]
        started.scale(1)
        started.wait_for_workers(1)
        with dask_client.connect(started.scheduler_address, notes):
            assert len(notes.lines) == 3


LONG = "m: 60"
"""So many sets of a table of 12,000 rows that a run is still at it when its first set is there."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, and the release of a long run."""
    folder = tmp_path_factory.mktemp("undisturbed")
    pd.concat([records()] * 40, ignore_index=True).to_parquet(folder / "data.parquet")
    run_job(parse_job(job_text(folder, "release").replace("m: 3", LONG)), Backend(threads=2))
    return folder


@pytest.mark.parametrize("how", ["--threads", "--workers"])
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 4), (signal.SIGKILL, -9)])
def test_an_interrupted_run_shows_nothing_and_can_be_taken_up(
    how: str, sent: signal.Signals, code: int, undisturbed: Path, tmp_path: Path
) -> None:
    (tmp_path / "data.parquet").symlink_to(undisturbed / "data.parquet")
    (tmp_path / "job.yaml").write_text(job_text(tmp_path, "release").replace("m: 3", LONG))
    command = [sys.executable, "-m", "replicant.cli.main"]
    settings: dict[str, Any] = {"cwd": tmp_path, "env": ENVIRONMENT, "text": True}
    settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "run", "job.yaml", how, "2"], **settings, start_new_session=True) as process:
        killer = threading.Timer(120, process.kill)
        killer.start()
        until = time.monotonic() + 90
        while process.poll() is None and time.monotonic() < until:
            if list(tmp_path.glob(".release.*.partial.work/set-*.json")):
                break
            time.sleep(0.02)
        # Ctrl-C in a terminal reaches every process of the run, a batch system's signal the first one only.
        os.killpg(process.pid, sent) if sent != signal.SIGTERM else process.send_signal(sent)
        out, err = process.communicate()
        killer.cancel()
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "release").exists()
    assert len(list(tmp_path.glob(".release.*.partial"))) == 1
    if sent != signal.SIGKILL:
        assert f"replicant resume {tmp_path / 'release'}" in err

    again = subprocess.run([*command, "resume", "release", "--threads", "1"], **settings, check=False)
    assert again.returncode == 0, again.stderr
    assert "taking up" in again.stderr
    assert not list(tmp_path.glob(".release*"))
    ours, theirs = (json.loads((one / "release" / "_manifest.json").read_text()) for one in (tmp_path, undisturbed))
    assert ours["files"] == theirs["files"]
    assert rp.verify_release(str(tmp_path / "release")).ok
