"""A Slurm of this machine's own, for tests: Debian's munged, slurmctld and slurmd, as root, in one temporary folder.

Nothing of the machine is used but the programs: keys, ports, sockets, state and logs are the folder's. The nodes are
this machine under several names, so what crosses nodes here crosses Slurm's own ways of doing so.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel")
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
LONG = 120
"""Seconds after which a job, or Slurm itself, counts as hanging."""

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"}

CONFIGURATION = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
StateSaveLocation={folder}/state
SlurmUser=root
AuthType=auth/munge
# A requeued job waits for the old credential to expire.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
SlurmdSpoolDir={folder}/%n.spool
# As in a container: no cgroups.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# The nodes are said to be larger than they are.
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no Slurm here; empty if there can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if absent:
        return f"no {', '.join(absent)} (Debian: apt-get install slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "munged, slurmctld and slurmd are started by root only"


@dataclass
class Slurm:
    """One that runs.

    Attributes
    ----------
    folder
        Its own.
    nodes
        Names of its nodes.
    given
        What its commands and jobs find in their environment beside what these tests do.
    """

    folder: Path
    nodes: tuple[str, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What its commands need, and what jobs inherit; nothing of a batch job in which the tests may run."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
        return {**kept, "PATH": SEARCHED, **self.given, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *words: str, cwd: Path | None = None, **environment: str) -> str:
        """One of Slurm's commands; what it printed."""
        done = subprocess.run(
            words, env={**self.environment, **environment}, cwd=cwd, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, *words: str, cwd: Path, **environment: str) -> str:
        """`sbatch` in a folder; the number of the job."""
        return self.call("sbatch", "--parsable", *words, cwd=cwd, **environment)

    def look(self, job: str) -> dict[str, str]:
        """What `scontrol` knows of a job, or of an element `JOB_I` of an array."""
        return dict(re.findall(r"(\w+)=(\S*)", self.call("scontrol", "--oneliner", "show", "job", job)))

    def state(self, job: str) -> str:
        return self.look(job)["JobState"]

    def wait(self, job: str) -> tuple[str, int]:
        """A job's end: its last state and the exit code of its script."""
        self.until(lambda: self.state(job) in ENDED, f"the end of job {job}")
        return self.state(job), int(self.look(job)["ExitCode"].split(":")[0])

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something, for not too long."""
        begun = time.monotonic()
        while not holds():
            assert time.monotonic() - begun < LONG, f"waited {LONG} s for {what}\n{self.said}"
            time.sleep(0.1)

    @property
    def said(self) -> str:
        """The ends of the daemons' logs."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in logs)

    def start(self, name: str, *words: str) -> None:
        """One daemon, in the foreground of its own session."""
        program = shutil.which(words[0], path=SEARCHED)
        assert program is not None
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program, *words[1:]], env=self.environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    def start_node(self, node: str) -> None:
        """A node's slurmd, for the first time or after a loss."""
        self.start(node, "slurmd", "-D", "-N", node, "-f", str(self.folder / "slurm.conf"))

    def await_nodes(self) -> None:
        idle = set(self.nodes)
        self.until(lambda: set(self.idle()) == idle, "nodes to be idle")

    def idle(self) -> list[str]:
        """Names of the nodes that wait for work."""
        with suppress(AssertionError):
            found = self.call("sinfo", "--noheader", "--Node", "--format=%N %T").split("\n")
            return [line.split()[0] for line in found if line.endswith(" idle")]
        return []

    def processes(self, job: str | None = None) -> list[psutil.Process]:
        """Those that Slurm started here, for one job or for all: they carry its number in their environment."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                said = process.environ()
                if said.get("SLURM_CONF") == self.environment["SLURM_CONF"] and "SLURM_JOB_ID" in said:
                    found += [process] if job in {None, said["SLURM_JOB_ID"]} else []
        return found

    def lose_node(self, node: str) -> None:
        """As if its power had gone: its slurmd and everything it started, at once; Slurm need not wait to find out."""
        self.daemons[node].kill()
        self.daemons[node].wait()
        self._kill_started(node)
        self.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")

    def _kill_started(self, node: str) -> None:
        """First those that would tell Slurm of the end of the others; they write to the log of their node."""
        log = str(self.folder / f"{node}.log")
        keepers, tasks = [], []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name().startswith("slurmstepd") and log in {file.path for file in process.open_files()}:
                    keepers.append(process)
        for process in self.processes():
            with suppress(psutil.Error):
                if process.environ().get("SLURMD_NODENAME") == node:
                    tasks.append(process)
        for process in [*keepers, *tasks]:
            with suppress(psutil.Error):
                process.kill()

    def stop(self) -> None:
        """All daemons, then all they started."""
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for node in self.nodes:
            self._kill_started(node)


@contextmanager
def slurm(folder: Path, nodes: int = 1, given: Mapping[str, str] | None = None) -> Iterator[Slurm]:
    """Start one in a folder, and stop it with all that runs there."""
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    host = socket.gethostname()
    with ExitStack() as stack:
        ports = []
        for _ in range(nodes + 1):
            held = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports.append(held.getsockname()[1])
    lines = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 RealMemory=65536"
        for name, port in zip(names, ports[1:], strict=True)
    ]
    said = CONFIGURATION.format(host=host, port=ports[0], folder=folder, nodes="\n".join(lines))
    (folder / "slurm.conf").write_text(said)
    for made in ("state", *(f"{name}.spool" for name in names)):
        (folder / made).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    running = Slurm(folder, names, given or {})
    files = {"key": "munge.key", "socket": "munge.socket", "pid": "munged.pid", "seed": "munge.seed"}
    options = [f"--{option}-file={folder / name}" for option, name in files.items() if option != "socket"]
    try:
        running.start("munged", "munged", "--foreground", "--force", f"--socket={folder / files['socket']}", *options)
        running.until((folder / files["socket"]).exists, "munged")
        running.start("slurmctld", "slurmctld", "-D", "-f", str(folder / "slurm.conf"))
        for name in names:
            running.start_node(name)
        running.await_nodes()
        yield running
    finally:
        running.stop()
