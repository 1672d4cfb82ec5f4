"""Where runs are disturbed: a folder with a table and a job, processes that run it, and eyes on what they leave."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from distributed import Client

import replicant as rp

FAULTS = Path(__file__).with_name("faults.py")
KINDS = ("memory", "parts")
LONG = 180
"""Seconds after which a run counts as hanging."""

WORKER_MEMORY = "900MiB"
"""Of a worker of an outer cluster: enough for the job, and less than `faults.TOO_MUCH`."""

N = 2400


def table() -> pd.DataFrame:
    """A few records in three regions."""
    rng = np.random.default_rng(12)
    x = rng.normal(50, 9, N).round(1)
    y = np.round(x / 2 + rng.normal(0, 2, N), 1)
    y[rng.random(N) < 0.1] = np.nan
    region = rng.choice(["north", "south", "west"], N, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"x": x, "y": y, "count": rng.poisson(3, N), "region": region})


def digests(release: Path) -> dict[str, str]:
    """Every file of a release and its sha256; of the manifest all but the day, whose hash is in `_SUCCESS`."""
    found = {}
    for path in sorted(release.rglob("*")):
        if path.is_dir() or path.name == "_SUCCESS":
            continue
        content = path.read_bytes()
        if path.name == "_manifest.json":
            said = json.loads(content)
            said.pop("created")
            content = json.dumps(said, sort_keys=True).encode()
        found[str(path.relative_to(release))] = hashlib.sha256(content).hexdigest()
    return found


@dataclass
class Ground:
    """One folder in which one job is run, disturbed, and taken up again.

    Attributes
    ----------
    folder
        Its own.
    kind
        `memory`: in memory, by strata. `parts`: in parts.
    seen
        What was wrong with the target at any moment.
    """

    folder: Path
    kind: str
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._looking = threading.Lock()
        (self.folder / "flags").mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        table().to_parquet(self.folder / "data.parquet", index=False, row_group_size=400)
        strata = {"strata": "region", "min_stratum": 100} if self.kind == "memory" else {}
        parts = {"partition_rows": 300} if self.kind == "parts" else {}
        synthesis = {"m": 3, "seed": 7, **strata, **parts}
        job = {"input": {"path": "data.parquet"}, "synthesis": synthesis, "output": {"path": "release", "csv": True}}
        (self.folder / "job.yaml").write_text(json.dumps(job))
        self.expected = {path.name for path in self.folder.iterdir()} | {"release", "release-internal"}

    @property
    def target(self) -> Path:
        """Where the release will be."""
        return self.folder / "release"

    @property
    def environment(self) -> dict[str, str]:
        """Of all its processes; by `REPLICANT_CHAOS` they are found."""
        return {
            **os.environ,
            "PYTHONPATH": str(Path(rp.__file__).parents[1]),
            "REPLICANT_CHAOS": str(self.folder / "flags"),
            "TMPDIR": str(self.folder / "tmp"),
            "DASK_LOGGING__DISTRIBUTED": "error",
        }

    def flag(self, name: str) -> Path:
        """A file that `faults` looks for."""
        return self.folder / "flags" / name

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command line, in a session of its own."""
        return self._popen([sys.executable, str(FAULTS), *words], "client")

    def finish(self, process: subprocess.Popen[str]) -> int:
        """Wait for a process; its exit code."""
        try:
            return process.wait(LONG)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise AssertionError(f"a run hangs\n{self.said}") from None

    def call(self, *words: str) -> int:
        """The command line, to its end."""
        return self.finish(self.start(*words))

    @property
    def said(self) -> str:
        """What the command line printed, in all its processes."""
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("client-*.log")))

    @contextmanager
    def outer_cluster(self) -> Iterator[tuple[str, psutil.Process, psutil.Process]]:
        """A scheduler and two workers as anyone would start them: the address, the scheduler, the workers' parent."""
        place = self.folder / "tmp" / "scheduler.json"
        place.unlink(missing_ok=True)
        here = ["--host", "127.0.0.1", "--scheduler-file", str(place), "--dashboard-address", "127.0.0.1:0"]
        dask = [sys.executable, "-m", "dask"]
        processes = [self._popen([*dask, "scheduler", "--port", "0", *here], "dask")]
        try:
            _await(lambda: place.exists() and place.read_text().rstrip().endswith("}"))  # written whole
            more = ["--nworkers", "2", "--nthreads", "1", "--memory-limit", WORKER_MEMORY, "--preload", str(FAULTS)]
            processes.append(self._popen([*dask, "worker", *more, *here], "dask"))
            address = json.loads(place.read_text())["address"]
            with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
                client.wait_for_workers(2, timeout=LONG)
            yield address, psutil.Process(processes[0].pid), psutil.Process(processes[1].pid)
        finally:
            for process in reversed(processes):
                for one in family(process.pid):
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
                process.wait()
            place.unlink(missing_ok=True)

    def finished(self) -> int:
        """How many pieces are recorded as finished."""
        return sum(1 for _ in self.kept("*.json"))

    def kept(self, pattern: str = "*") -> list[Path]:
        """Files that a run keeps beside the target until it is done."""
        found: list[Path] = []
        for folder in self.folder.glob(".release.*"):
            with suppress(OSError):  # it may go while we look
                found += [path for path in folder.rglob(pattern) if path.is_file()]
        return sorted(found)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look all the time: the target is absent, or whole."""
        stop = threading.Event()
        last: Any = None

        def look() -> None:
            nonlocal last
            while not stop.is_set():
                with self._looking:
                    if self.target.exists():
                        now = [(str(path), path.stat().st_mtime_ns) for path in sorted(self.target.rglob("*"))]
                        if now != last:
                            self.seen += _problems(self.target)
                            last = now
                stop.wait(0.01)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def blind(self) -> threading.Lock:
        """While it is held, nobody looks."""
        return self._looking

    def processes(self) -> list[psutil.Process]:
        """Processes of this ground that still live."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("REPLICANT_CHAOS") == str(self.folder / "flags"):
                    found.append(process)
        return found

    def left_behind(self) -> list[str]:
        """What is there that should not be: files, folders, processes."""
        for path in self.folder.glob("*.log"):
            path.unlink()
        _await(lambda: not self.processes(), 30, fail=False)
        found = [f"process {' '.join(process.cmdline())[:200]}" for process in self.processes()]
        found += sorted({path.name for path in self.folder.iterdir()} - self.expected)
        found += [path.name for path in (self.folder / "tmp").glob("replicant-*")]
        return found

    def _popen(self, words: list[str], name: str) -> subprocess.Popen[str]:
        log = self.folder / f"{name}-{len(list(self.folder.glob('*.log')))}.log"
        with log.open("w") as stream:
            return subprocess.Popen(
                words,
                cwd=self.folder,
                env=self.environment,
                stdout=stream,
                stderr=stream,
                text=True,
                start_new_session=True,
            )


def _problems(target: Path) -> list[str]:
    try:
        return rp.verify_release(target).problems
    except rp.ReplicantError as error:
        return [str(error)]


def family(pid: int) -> list[psutil.Process]:
    """A process and all that came of it, the youngest first."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [*reversed(process.children(recursive=True)), process]
    return []


def workers_of(pid: int) -> list[psutil.Process]:
    """Worker processes below a client or a `dask worker`."""
    found = []
    for process in family(pid):
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def _await(condition: Any, seconds: float = 60, *, fail: bool = True) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            if fail:
                raise AssertionError("waited in vain")
            return
        time.sleep(0.02)
