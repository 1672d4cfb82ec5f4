"""What is nobody else's business: ports, and what is on the disk while a job runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

import replicant as rp
from replicant.execution import dask_client, scratch
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run.job import run_job
from replicant.run.study import run_study_job
from replicant.spec.load import load_job

pytestmark = pytest.mark.cluster

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
STUDY = "study:\n  replicates: 20\n  estimands: [{name: fit, model: ols, formula: y ~ x}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table, a job and a study, with paths that are right from anywhere."""
    rng = np.random.default_rng(3)
    x = rng.normal(50, 9, 400).round(1)
    frame = pd.DataFrame({"x": x, "y": (x / 2 + rng.normal(0, 2, 400)).round(1)})
    frame.to_parquet(tmp_path / "data.parquet")
    pd.DataFrame(rng.normal(size=(20_000, 5)), columns=list("abcde")).to_parquet(tmp_path / "large.parquet")
    head = f"input: {{path: {tmp_path}/data.parquet}}\nsynthesis: {{m: 4, seed: 5}}\n"
    (tmp_path / "job.yaml").write_text(f"{head}output: {{path: {tmp_path}/release}}\n")
    (tmp_path / "study.yaml").write_text(f"{head}{STUDY}output: {{path: {tmp_path}/study}}\n")
    return tmp_path


# --- ports ------------------------------------------------------------------------------------------------------------

WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(event) if event in {"socket.__new__", "subprocess.Popen"} else None)
from replicant.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("dask" in sys.modules, "distributed" in sys.modules, *opened, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        ("run job.yaml --threads 1", "False False"),
        ("run job.yaml --threads 2 --set data=large.parquet --set synthesis.m=40", "False False"),
        ("run job.yaml", "False False"),
        ("run job.yaml --threads 2 --set synthesis.partition_rows=100", "False False"),
        ("plan job.yaml", "False False"),
        ("inspect data.parquet", "False False"),
        ("run study.yaml --threads 1", "False False"),
        ("run study.yaml --threads 2", "False False"),
        ("run study.yaml", "False False"),
    ],
    ids=str,
)
def test_no_socket_is_opened_without_a_cluster(words: str, modules: str, folder: Path) -> None:
    """Not even one that only connects; an audit hook sees each of them being made."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words.split()],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == modules


def test_the_watch_would_see_a_socket(folder: Path) -> None:
    script = WATCHED.replace("main(sys.argv[1:])", "__import__('socket').socket().close()")
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].endswith(" socket.__new__")


def test_nothing_of_a_local_cluster_is_reached_from_outside() -> None:
    """Scheduler, workers, their nannies and every HTTP page of theirs; nothing goes on listening afterwards."""
    me = psutil.Process()

    def listening() -> dict[int, str]:
        found = {}
        for process in (me, *me.children(recursive=True)):
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN or (one.status == psutil.CONN_NONE and not one.raddr):
                    found[one.laddr.port] = one.laddr.ip
        return found

    before = listening()
    with dask_client.local_cluster(2) as client:
        client.submit(sum, [1, 2]).result()
        during = {port: ip for port, ip in listening().items() if port not in before}
        ports = {int(address.rpartition(":")[2]) for address in client.scheduler_info(n_workers=-1)["workers"]}
        assert ports < during.keys()
        assert set(during.values()) == {"127.0.0.1"}
    until = time.monotonic() + 20
    while listening() != before and time.monotonic() < until:
        time.sleep(0.1)
    assert listening() == before


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary files, here and in processes that are started."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A careless user, whose files everybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Look(Progress):
    """Keeps the modes of what lies beside the target while the job runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = set(folder.iterdir())
        self.modes: dict[str, int] = {}

    def advance(self, units: int) -> None:
        self.modes |= {path.name: mode(path) for path in self.folder.iterdir() if path not in self.before}


@pytest.mark.usefixtures("open_to_all")
@pytest.mark.parametrize("where", [{"threads": 1}, {"workers": 1}], ids=str)
@pytest.mark.parametrize("parts", [[], ["synthesis.partition_rows=100"]], ids=str)
def test_a_release_in_the_making_is_private(
    parts: list[str], where: dict[str, int], folder: Path, temporary: Path
) -> None:
    look = Look(folder)
    run_job(load_job(folder / "job.yaml", parts), Backend(**where), progress=look)
    assert look.modes
    assert set(look.modes.values()) == {0o700}
    assert mode(folder / "release-internal") == 0o700
    assert {mode(path) for path in (folder / "release-internal").rglob("*") if path.is_file()} == {0o600}
    assert {path.name for path in folder.iterdir() if path not in look.before} == {"release", "release-internal"}
    assert not list(temporary.iterdir())


@pytest.mark.usefixtures("open_to_all", "temporary")
def test_a_study_in_the_making_is_private(folder: Path) -> None:
    look = Look(folder)
    run_study_job(load_job(folder / "study.yaml"), Backend(threads=1), progress=look)
    assert set(look.modes.values()) == {0o700}


@pytest.mark.usefixtures("open_to_all")
def test_scratch_is_private_and_goes(temporary: Path) -> None:
    """After a normal end, an error, and an interrupt."""
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with dask_client.local_cluster(1) as client:
                [worker] = client.scheduler_info()["workers"].values()
                [folder] = (path for path in temporary.iterdir() if path.name.startswith("replicant-"))
                assert Path(worker["local_directory"]).is_relative_to(folder)
                assert mode(folder) == 0o700
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert not list(temporary.iterdir())


@pytest.mark.parametrize("seconds", [0, 3])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_scratch_goes_when_the_run_is_stopped(
    sent: signal.Signals, seconds: int, folder: Path, temporary: Path
) -> None:
    """Also while workers start, which takes so many seconds more.

    A run that is killed outright cannot tidy up; the next one does it in its stead.
    """
    (folder / "late.py").write_text(f"import time\ntime.sleep({seconds})\n")
    late = {"TMPDIR": str(temporary), "DASK_DISTRIBUTED__WORKER__PRELOAD": str([f"{folder}/late.py"])}
    command = [sys.executable, "-m", "replicant.cli.main", "run", "job.yaml", "--set", "synthesis.m=1000"]
    process = subprocess.Popen(
        [*command, "--set", "data=large.parquet", "--workers", "1"],
        cwd=folder, env={**ENVIRONMENT, **late}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    children: list[psutil.Process] = []
    try:
        until = time.monotonic() + 120
        while not list(temporary.glob("replicant-*/*/worker-*")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        assert [mode(path) for path in temporary.glob("replicant-*")] == [0o700]
        scratch.sweep()  # another run of the same user lets it be
        assert list(temporary.glob("replicant-*/*/worker-*"))
        process.send_signal(sent)
        process.wait(120)
        psutil.wait_procs(children, timeout=60)
    finally:
        process.kill()
        process.wait()
    if sent == signal.SIGKILL:
        assert list(temporary.glob("replicant-*"))
        with scratch.private_folder() as mine:
            assert list(temporary.glob("replicant-*")) == [Path(mine)]
    assert not list(temporary.iterdir())


def test_what_others_left_is_let_be(temporary: Path) -> None:
    (temporary / "replicant-notes").mkdir()
    (temporary / "replicant-file").touch()
    (temporary / "replicant-link").symlink_to(temporary / "replicant-notes")
    with scratch.private_folder():
        pass
    assert {path.name for path in temporary.iterdir()} == {"replicant-notes", "replicant-file", "replicant-link"}


def test_a_run_that_was_killed_before_or_after_it_made_its_folder_leaves_nothing_for_long(temporary: Path) -> None:
    (temporary / ".replicant-before.lock").touch()
    (temporary / ".replicant-after.lock").touch()
    (temporary / "replicant-after").mkdir()
    scratch.sweep()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("moment", [0.2, 0.5, 0.8])
def test_a_start_that_is_interrupted_leaves_no_process_and_no_folder(
    moment: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ends(BaseException):
        pass

    def end(number: int, frame: Any) -> None:
        raise Ends

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = set(multiprocessing.active_children())
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, moment)
    try:
        with pytest.raises(Ends), dask_client.local_cluster(2):
            time.sleep(60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    time.sleep(2)  # long enough for workers that still start
    assert set(multiprocessing.active_children()) <= others
    assert list(tmp_path.iterdir()) == []
