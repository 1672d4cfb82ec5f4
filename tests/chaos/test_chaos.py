"""One fault at a random moment of a run: the release is that of an undisturbed run, or the run is completed to it.

The short form runs with the other tests; `make chaos` runs the long one, `REPLICANT_CHAOS_RUNS` being the number of
runs and `REPLICANT_CHAOS_SEED` the seed from which fault, job, place and moment of each are drawn.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import replicant as rp

from .ground import KINDS, LONG, Ground, digests, family, workers_of

pytestmark = [pytest.mark.chaos, pytest.mark.cluster]

RUNS = int(os.environ.get("REPLICANT_CHAOS_RUNS", "5"))
SEED = int(os.environ.get("REPLICANT_CHAOS_SEED", "5"))

COMPLETED = {0}
STOPPED = {0, 1, 4}
"""A run that something else stopped: by chance it was done before, or had nothing to keep."""

ENDED = {
    signal.SIGKILL: {0, -9},
    signal.SIGINT: {0, 130, -2},
    signal.SIGTERM: {0, 4, 143, -15},
}
"""By the signal itself, if it comes before the command line is there."""

FAULTS: dict[str, tuple[str, ...]] = {
    "worker killed": ("workers", "scheduler"),
    "worker out of memory": ("scheduler",),
    "worker slow": ("workers", "scheduler"),
    "scheduler killed": ("scheduler",),
    "client killed": ("threads", "workers", "scheduler"),
    "client interrupted": ("threads", "workers", "scheduler"),
    "client terminated": ("threads", "workers", "scheduler"),
    "disk full": ("threads", "workers", "scheduler"),
    "file half written": ("threads", "workers", "scheduler"),
    "file damaged afterwards": ("threads", "workers"),
    "two runs at once": ("threads", "workers"),
}
"""Each fault, and where runs can meet it."""

SIGNALS = {
    "client killed": signal.SIGKILL,
    "client interrupted": signal.SIGINT,
    "client terminated": signal.SIGTERM,
    "file half written": signal.SIGKILL,
}

_IGNORED_BY_PYTHON = re.compile(
    r"Exception ignored in: <function Future\.__del__[^\n]*\n"
    r"Traceback \(most recent call last\):\n(?:  [^\n]*\n)*[^\n]*\n"
)
"""A signal that comes inside `Future.__init__` of Dask leaves a half-made one, of which its destructor complains."""


@dataclass(frozen=True)
class Undisturbed:
    """What a run is compared with.

    Attributes
    ----------
    digests
        Of its files.
    seconds, pieces
        How long it takes by threads, and how many pieces it keeps on the way: between them moments are drawn.
    """

    digests: dict[str, str]
    seconds: float
    pieces: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Undisturbed]:
    """Both jobs by one thread."""
    found = {}
    for kind in KINDS:
        ground = Ground(tmp_path_factory.mktemp("undisturbed") / kind, kind)
        begun = time.monotonic()
        process = ground.start("run", "job.yaml", "--threads", "1")
        pieces = 0
        while process.poll() is None:
            pieces = max(pieces, ground.finished())
            time.sleep(0.005)
        assert process.returncode == 0, ground.said
        found[kind] = Undisturbed(digests(ground.target), time.monotonic() - begun, pieces)
        assert ground.left_behind() == []
    return found


@pytest.mark.parametrize("number", range(RUNS))
def test_a_disturbed_run(
    number: int,
    undisturbed: dict[str, Undisturbed],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    rng = np.random.default_rng([SEED, number])
    # Fault by fault in random order, so that all of them come as often.
    deck = list(FAULTS)
    np.random.default_rng([SEED, number // len(deck), 1]).shuffle(deck)
    fault = deck[number % len(deck)]
    where = str(rng.choice(FAULTS[fault]))
    kind = str(rng.choice(KINDS))
    whole = undisturbed[kind]
    ground = Ground(tmp_path / "ground", kind)
    record_property("fault", fault)
    with ExitStack() as stack:
        stack.callback(_end_all, ground)
        stack.enter_context(ground.watched())
        code = _disturb(ground, fault, where, whole, rng)
        again = 0
        while not ground.target.exists() or ground.kept():
            again += 1
            assert again <= 3, f"it cannot be completed\n{ground.said}"
            _take_up(ground, rng)
        found = digests(ground.target)
        record_property("outcome", f"exit code {code}")
        record_property("lost", len(whole.digests.keys() - found.keys()))
        record_property("equal", found == whole.digests)
        other = sorted(name for name, digest in whole.digests.items() if found.get(name) != digest)
        assert found == whole.digests, f"{fault}, {where}, {kind}: {other} differ"
        said = ground.said
        assert rp.verify_release(ground.target).ok
    assert ground.seen == [], f"{fault}, {where}, {kind}\n{said}"
    assert "Traceback" not in _IGNORED_BY_PYTHON.sub("", said) or code in {-2, -15}, said
    assert ground.left_behind() == [], f"{fault}, {where}, {kind}\n{said}"


def _disturb(ground: Ground, fault: str, where: str, whole: Undisturbed, rng: np.random.Generator) -> int:
    """A run and its fault; the run's exit code, which must be one that the fault explains."""
    with ExitStack() as stack:
        options = ["--threads", "2"] if where == "threads" else ["--workers", "2"]
        scheduler = parent = None
        if where == "scheduler":
            address, scheduler, parent = stack.enter_context(ground.outer_cluster())
            options = ["--scheduler", address]
        process = ground.start("run", "job.yaml", *options)
        stack.callback(_end, process)
        moment = _Moment(ground, process, whole, rng)
        workers = process.pid if parent is None else parent.pid
        if fault == "file damaged afterwards":
            assert ground.finish(process) == 0, ground.said
            with ground.blind():
                _damage_release(ground, rng)
                assert ground.call("verify", "release") == 1, ground.said
                ground.target.rename(ground.folder / "tmp" / "damaged")
            return 0
        if fault == "two runs at once":
            moment.wait()
            other = ground.start("run", "job.yaml", *options)
            stack.callback(_end, other)
            codes = ground.finish(process), ground.finish(other)
            assert set(codes) <= STOPPED, f"{codes}\n{ground.said}"
            assert 0 in codes, f"{codes}\n{ground.said}"
            return codes[0]
        if fault == "worker out of memory":
            moment.wait()
            ground.flag("hungry").touch()
            code = ground.finish(process)
            ground.flag("hungry").unlink(missing_ok=True)
            allowed = COMPLETED
        elif fault == "disk full":
            moment.wait()
            ground.flag("full").touch()
            code = ground.finish(process)
            ground.flag("full").unlink()
            allowed = STOPPED
        elif fault == "scheduler killed":
            assert scheduler is not None
            moment.wait()
            scheduler.kill()
            code = ground.finish(process)
            allowed = STOPPED
        elif fault in {"worker killed", "worker slow"}:
            moment.wait()
            _hit_worker(process, workers, slow=fault == "worker slow", rng=rng)
            # Dask gives up a local cluster one of whose workers dies before all of them are there.
            allowed = COMPLETED if where == "scheduler" or "dashboard" in ground.said else STOPPED
            code = ground.finish(process)
        else:
            sent = SIGNALS[fault]
            moment.wait()
            with suppress(ProcessLookupError):
                # Ctrl-C in a terminal reaches every process of the run; others reach the first one only.
                (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
            code = ground.finish(process)
            allowed = ENDED[sent]
            if fault == "file half written" and not ground.target.exists():
                _halve(ground, rng)
        assert code in allowed, f"{fault}: exit code {code}\n{ground.said}"
        # It is taken up while an outer cluster lives on, its workers perhaps at work; or when that is gone.
        if code != 0 and rng.random() < 0.5:
            _take_up(ground, rng)
        return code


class _Moment:
    """A random moment of a run: as some number of its pieces is finished, or at any time at all."""

    def __init__(
        self, ground: Ground, process: subprocess.Popen[str], whole: Undisturbed, rng: np.random.Generator
    ) -> None:
        self.ground = ground
        self.process = process
        by_time = rng.random() < 0.2
        self.pieces = 0 if by_time else int(rng.integers(0, whole.pieces + 1))
        self.seconds = rng.uniform(0, 1.5 * whole.seconds) if by_time else rng.uniform(0, 0.1)

    def wait(self) -> None:
        """Until then, or until the run ends."""
        until = time.monotonic() + LONG
        while self.process.poll() is None and time.monotonic() < until:
            if self.pieces == 0 or self.ground.finished() >= self.pieces:
                break
            time.sleep(0.003)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self.seconds)


def _hit_worker(process: subprocess.Popen[str], parent: int, *, slow: bool, rng: np.random.Generator) -> None:
    until = time.monotonic() + LONG
    while process.poll() is None and time.monotonic() < until:
        found = workers_of(parent)
        if not found:
            time.sleep(0.02)
            continue
        with suppress(psutil.NoSuchProcess):
            worker = found[int(rng.integers(len(found)))]
            if not slow:
                worker.kill()
                return
            worker.suspend()
            threading.Timer(rng.uniform(0.5, 4), _wake, [worker]).start()
            return


def _wake(worker: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        worker.resume()


def _halve(ground: Ground, rng: np.random.Generator) -> None:
    """Cut a file that the run kept."""
    kept = [path for path in ground.kept() if path.stat().st_size]
    if kept:
        path = kept[int(rng.integers(len(kept)))]
        os.truncate(path, int(rng.integers(path.stat().st_size)))


def _damage_release(ground: Ground, rng: np.random.Generator) -> None:
    """Flip some bytes of one file."""
    files = sorted(path for path in ground.target.rglob("*") if path.is_file())
    path = files[int(rng.integers(len(files)))]
    content = bytearray(path.read_bytes())
    at = int(rng.integers(len(content)))
    for i in range(at, min(at + 4, len(content))):
        content[i] ^= 0x5A
    path.write_bytes(content)


def _take_up(ground: Ground, rng: np.random.Generator) -> None:
    """Complete a run, here or there; one that had nothing to keep is begun anew."""
    options = ["--workers", "2"] if rng.random() < 0.3 else ["--threads", str(rng.integers(1, 3))]
    code = ground.call("resume", "release", *options)
    if code == 2 and not ground.target.exists():
        code = ground.call("run", "job.yaml", *options)
    assert code == 0, f"taken up: exit code {code}\n{ground.said}"


def _end(process: subprocess.Popen[str]) -> None:
    for one in family(process.pid) if process.poll() is None else ():
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


def _end_all(ground: Ground) -> Any:
    """What a test that failed left running."""
    if not ground.target.exists():
        for one in ground.processes():
            with suppress(psutil.NoSuchProcess):
                one.kill()
