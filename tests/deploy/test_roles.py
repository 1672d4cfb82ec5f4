"""The commands and settings of the manifests' pods and services, run as processes of this machine.

Only what a container or a node would give is put in their place: folders, certificates, the scheduler's name and port.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.request import urlopen

import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.spec.load import load_job

from .manifests import DEPLOY, SETTINGS_OF_A_SITE, filled, pod_specs, rendered, resolved

pytestmark = pytest.mark.cluster

Words: TypeAlias = list[str]


@dataclass(frozen=True)
class Role:
    """What a container is told."""

    words: Words
    environment: Mapping[str, str]
    secrets: str


def from_kubernetes() -> Mapping[str, Role]:
    made = rendered(DEPLOY / "kubernetes" / "cluster")
    settings = {one["metadata"]["name"]: one["data"] for one in made if one["kind"] == "ConfigMap"}
    (job,) = [document for document in made if document["kind"] == "DaskJob"]
    return {role.replace("job-runner", "job"): Role(*resolved(pod, settings), "/tls/") for role, pod in pod_specs(job)}


def from_compose() -> Mapping[str, Role]:
    project = yaml.safe_load(filled((DEPLOY / "compose" / "compose.yaml").read_text(), SETTINGS_OF_A_SITE))
    return {
        role: Role(service["command"], service["environment"], "/run/secrets/")
        for role, service in project["services"].items()
    }


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """What is mounted into containers: input, job, output, and the certificates of every role."""
    ages = pd.Series(range(400)) % 67 + 18
    frame = pd.DataFrame(
        {"age": ages, "income": ages * 31.0 % 400, "sex": (ages % 3 == 0).map({True: "f", False: "m"})}
    )
    for name in ("input", "output", "job"):
        (tmp_path / name).mkdir()
    frame.to_parquet(tmp_path / "input" / "survey.parquet")
    (tmp_path / "job" / "job.yaml").write_text(
        f"input: {{path: {tmp_path}/input/survey.parquet}}\n"
        "synthesis: {m: 2, seed: 2021}\n"
        f"output: {{path: {tmp_path}/output/release}}\n"
    )
    subprocess.run([DEPLOY / "tls" / "make_certificates.sh", tmp_path / "made"], check=True, capture_output=True)
    for role, name in {"scheduler": "scheduler", "worker": "worker", "job": "client"}.items():
        folder = tmp_path / "tls" / role
        folder.mkdir(parents=True)
        (folder / "ca.crt").symlink_to(tmp_path / "made" / "ca.crt")
        (folder / "tls.crt").symlink_to(tmp_path / "made" / f"{name}.crt")
        (folder / "tls.key").symlink_to(tmp_path / "made" / f"{name}.key")
    return tmp_path


def free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def start(places: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a role as its manifest says, with what its container would have in its places; all end with the test."""
    port, pages, work, nanny = free_ports(4)
    ports = {"8786": port, "8787": pages, "8788": work, "8789": nanny}
    running: list[subprocess.Popen[bytes]] = []

    def here(text: str, role: str, secrets: str) -> str:
        text = re.sub(r"tls://[\w-]+:8786", "tls://127.0.0.1:8786", text)
        text = re.sub(r"\b878[6-9]\b", lambda found: str(ports[found[0]]), text)
        text = re.sub(rf"^{secrets}", f"{places}/tls/{role}/", text)
        return re.sub(r"(^|=)(?=/(?:job|scratch)\b)", rf"\1{places}", text)

    def started(role: str, told: Role) -> subprocess.Popen[bytes]:
        program, *words = [here(word, role, told.secrets) for word in told.words]
        module = {"dask": "dask", "replicant": "replicant.cli.main"}[program]
        environment = {name: here(value, role, told.secrets) for name, value in told.environment.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            env={**inherited, **environment, "PYTHONPATH": str(Path(rp.__file__).parents[1])},
            cwd=places,
            stdout=(places / f"{role}.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        running.append(process)
        if role == "scheduler":
            await_answer(f"http://127.0.0.1:{pages}/health")  # what its probe asks
        return process

    yield started
    for process in reversed(running):
        process.terminate()
    for process in running:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_answer(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < until, f"nothing at {url}"
            time.sleep(0.1)


@pytest.mark.parametrize("read", [from_kubernetes, from_compose], ids=["kubernetes", "compose"])
def test_a_job_of_the_manifests_releases_what_one_here_does(
    read: Callable[[], Mapping[str, Role]], places: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    roles = read()
    assert set(roles) == {"scheduler", "worker", "job"}
    start("scheduler", roles["scheduler"])
    start("worker", roles["worker"])
    assert start("job", roles["job"]).wait(120) == 0, (places / "job.log").read_text()
    assert "tls://" in (places / "worker.log").read_text()

    run_job(load_job(places / "job" / "job.yaml", (f"output.path={places}/output/here",)), Backend(threads=1))
    made = {name: sorted((places / "output" / name).rglob("*.parquet")) for name in ("release", "here")}
    assert made["release"]
    assert [one.read_bytes() for one in made["release"]] == [one.read_bytes() for one in made["here"]]
    rp.verify_release(places / "output" / "release")


def test_a_job_without_its_certificate_is_let_nowhere(
    places: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    roles = from_compose()
    start("scheduler", roles["scheduler"])
    (places / "tls" / "job" / "tls.crt").unlink()
    assert start("job", roles["job"]).wait(60) == 2
    assert not list((places / "output").iterdir())
