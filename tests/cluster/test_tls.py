"""Clusters that trust nobody without a certificate: who gets in, who is refused, and what the refused are told."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dask.config
import distributed.comm
import numpy as np
import pandas as pd
import pytest
from distributed import Client, Security
from pandas.testing import assert_frame_equal

import replicant as rp
from replicant.errors import RunError, SpecError
from replicant.execution import dask_client, tls
from replicant.execution.backend import Backend
from replicant.execution.tls import trusting

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with"),
]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
REQUIRED = {**ENVIRONMENT, "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}
DASK = [sys.executable, "-m", "dask"]
SCRIPT = Path(__file__).parents[2] / "deploy" / "tls" / "make_certificates.sh"


def make(folder: Path, *words: str) -> Path:
    subprocess.run([SCRIPT, folder, *words], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of the cluster."""
    return make(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of somebody else's cluster."""
    return make(tmp_path_factory.mktemp("tls") / "theirs")


def words_for(folder: Path, role: str) -> list[str]:
    files = {"--tls-ca-file": "ca.crt", "--tls-cert": f"{role}.crt", "--tls-key": f"{role}.key"}
    return [word for option, name in files.items() for word in (option, str(folder / name))]


def trusted(folder: Path, role: str = "client", **other: Any) -> Any:
    given = {"ca_file": folder / "ca.crt", "cert": folder / f"{role}.crt", "key": folder / f"{role}.key", **other}
    return trusting(**{name: None if value is None else str(value) for name, value in given.items()})


@contextmanager
def started(words: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen([*DASK, *words], env=dict(environment), cwd=folder, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cluster_at(folder: Path, words: Mapping[str, list[str]], environment: Mapping[str, str]) -> Iterator[str]:
    """A scheduler and, if there are words for it, a worker, started as deploy/README.md says."""
    known = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--scheduler-file", str(known), "--dashboard-address", "127.0.0.1:0"]
    with ExitStack() as running:
        running.enter_context(started(["scheduler", "--port", "0", *here, *words["scheduler"]], folder, environment))
        until = time.monotonic() + 60
        while not (known.exists() and known.read_text().rstrip().endswith("}")):
            assert time.monotonic() < until, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        if "worker" in words:
            scratch = ["--nthreads", "2", "--local-directory", str(folder / "scratch")]
            running.enter_context(started(["worker", *here, *scratch, *words["worker"]], folder, environment))
        yield json.loads(known.read_text())["address"]


@pytest.fixture(scope="module")
def encrypted(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    words = {
        "scheduler": ["--protocol", "tls", *words_for(ours, "scheduler")],
        "worker": ["--protocol", "tls", *words_for(ours, "worker")],
    }
    with cluster_at(tmp_path_factory.mktemp("encrypted"), words, REQUIRED) as address:
        yield address


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster_at(tmp_path_factory.mktemp("plain"), {"scheduler": []}, ENVIRONMENT) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    x = rng.normal(50, 9, 200).round(1)
    pd.DataFrame({"x": x, "y": (x / 2 + rng.normal(0, 2, 200)).round(1)}).to_parquet(tmp_path / "data.parquet")
    (tmp_path / "job.yaml").write_text(
        "input: {path: data.parquet}\nsynthesis: {m: 2, seed: 5}\noutput: {path: release}\n"
    )
    return tmp_path


def replicant(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "replicant.cli.main", *words]
    return subprocess.run(
        command, cwd=folder, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False,
        timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.suffix == ".parquet" or path.name == "results.json"
    }


# --- who gets in ------------------------------------------------------------------------------------------------------


def test_a_job_on_an_encrypted_cluster(folder: Path, ours: Path, encrypted: str) -> None:
    assert encrypted.startswith("tls://")
    done = replicant(folder, "run", "job.yaml", "--set", "output.path=here", "--threads", "1")
    assert done.returncode == 0, done.stderr
    there = replicant(folder, "run", "job.yaml", "--scheduler", encrypted, *words_for(ours, "client"))
    assert there.returncode == 0, there.stderr
    assert digests(folder / "here") == digests(folder / "release") != {}


def test_dasks_own_settings_do_as_well(folder: Path, ours: Path, encrypted: str) -> None:
    done = replicant(
        folder,
        *("run", "job.yaml", "--scheduler", encrypted),
        DASK_DISTRIBUTED__COMM__TLS__CA_FILE=str(ours / "ca.crt"),
        DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT=str(ours / "client.crt"),
        DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY=str(ours / "client.key"),
    )
    assert done.returncode == 0, done.stderr


def test_a_study_begun_in_a_thread_is_resumed_on_an_encrypted_cluster(folder: Path, ours: Path, encrypted: str) -> None:
    from replicant.execution.progress import Progress
    from replicant.run.study import run_study_job
    from replicant.spec.load import load_job

    text = (folder / "job.yaml").read_text().replace("path: data", f"path: {folder}/data")
    study = "study:\n  replicates: 20\n  estimands: [{name: fit, model: ols, formula: y ~ x}]\n"
    (folder / "study.yaml").write_text(text + study)

    class Stop(Progress):
        def advance(self, units: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study_job(
            load_job(folder / "study.yaml", [f"output.path={folder}/study"]), Backend(threads=1), progress=Stop()
        )
    resumed = replicant(folder, "resume", "study", "--scheduler", encrypted, *words_for(ours, "client"))
    assert resumed.returncode == 0, resumed.stderr
    whole = replicant(folder, "run", "study.yaml", "--set", "output.path=whole", "--threads", "1")
    assert whole.returncode == 0, whole.stderr
    assert digests(folder / "study") == digests(folder / "whole") != {}


def test_a_client_of_ones_own(folder: Path, ours: Path, encrypted: str) -> None:
    frame = pd.read_parquet(folder / "data.parquet")
    security = Security(
        require_encryption=True,
        tls_ca_file=str(ours / "ca.crt"),
        tls_client_cert=str(ours / "client.crt"),
        tls_client_key=str(ours / "client.key"),
    )
    expected = rp.synthesize(frame, m=2, seed=5, threads=1)
    with Client(encrypted, security=security, set_as_default=False) as client:
        found = rp.synthesize(frame, m=2, seed=5, client=client)
    for one, other in zip(expected, found, strict=True):
        assert_frame_equal(one, other)


def test_a_local_cluster_speaks_tls_with_a_workers_certificate(ours: Path) -> None:
    with trusted(ours, "worker"), dask_client.local_cluster(1) as client:
        info = client.scheduler_info(n_workers=-1)
        addresses = [client.scheduler.address, *info["workers"], *(w["nanny"] for w in info["workers"].values())]
        assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
        with pytest.raises(OSError, match=r"Timed out|closed"):
            asyncio.run(plain_connection(addresses[0]))
        assert client.submit(sum, [1, 2]).result() == 3


def test_certificates_are_named_for_a_while_only(ours: Path) -> None:
    before = dask.config.get("distributed.comm")
    with trusted(ours):
        assert dask.config.get("distributed.comm.require-encryption") is True
        assert dask.config.get("distributed.comm.tls.client.cert") == str(ours / "client.crt")
    assert dask.config.get("distributed.comm") == before


# --- who is refused ---------------------------------------------------------------------------------------------------


async def plain_connection(address: str) -> None:
    await distributed.comm.connect(address.replace("tls://", "tcp://"), timeout=1)


def test_a_plain_client_is_refused_by_the_cluster(encrypted: str) -> None:
    """Whatever software it is: this is Dask's own."""
    with pytest.raises(OSError, match=r"Timed out|closed"):
        asyncio.run(plain_connection(encrypted))


def test_a_client_without_certificate_is_refused_by_the_cluster(encrypted: str, ours: Path) -> None:
    context = ssl.create_default_context(cafile=str(ours / "ca.crt"))
    context.check_hostname = False
    host, port = encrypted.removeprefix("tls://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=20) as link,
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
        context.wrap_socket(link) as safe,
    ):
        safe.recv(1)


def refused(kind: type[Exception], match: str, address: str) -> None:
    with pytest.raises(kind, match=match) as caught, dask_client.connect(address):
        pass
    assert isinstance(caught.value, rp.ReplicantError)
    assert caught.value.fix


@pytest.mark.parametrize("scheme", ["tcp://", ""])
def test_a_plain_address_of_an_encrypted_scheduler(scheme: str, encrypted: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tls, "GREETING_SECONDS", 1.0)
    refused(RunError, "speaks TLS", encrypted.replace("tls://", scheme))


def test_an_encrypted_address_of_a_plain_scheduler(plain: str, ours: Path) -> None:
    with trusted(ours):
        refused(RunError, "does not speak TLS", plain.replace("tcp://", "tls://"))


def test_something_that_never_answers(ours: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tls, "GREETING_SECONDS", 0.5)
    monkeypatch.setattr(dask_client, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        refused(RunError, "No Dask scheduler", f"tcp://{address}")
        with trusted(ours):
            refused(RunError, "does not answer in TLS", f"tls://{address}")


@pytest.mark.parametrize("scheme", ["tcp://", ""])
def test_a_plain_address_is_refused_where_certificates_were_given(scheme: str, plain: str, ours: Path) -> None:
    address = plain.replace("tcp://", scheme)
    with trusted(ours):
        refused(SpecError, "encryption is required", address)
    with trusting(None, None, None, require_encryption=True):
        refused(SpecError, "encryption is required", address)
    with dask.config.set({"distributed.comm.tls.ca-file": str(ours / "ca.crt")}):
        refused(SpecError, "encryption is required", address)


def test_a_scheduler_that_another_ca_signed(encrypted: str, theirs: Path) -> None:
    with trusted(theirs):
        refused(RunError, "scheduler's certificate is not to be trusted", encrypted)


def test_a_client_that_another_ca_signed(encrypted: str, ours: Path, theirs: Path) -> None:
    with trusted(theirs, ca_file=ours / "ca.crt"):
        refused(RunError, r"refuses this client's certificate .*unknown ca", encrypted)


def test_a_client_whose_certificate_expired(encrypted: str, ours: Path, tmp_path: Path) -> None:
    request = tmp_path / "old.csr"
    made = tmp_path / "old.crt"
    for words in (
        ["req", "-new", "-key", ours / "client.key", "-subj", "/CN=old", "-out", request],
        [
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            ours / "ca.crt",
            "-CAkey",
            ours / "ca.key",
            "-days",
            "-1",
            "-out",
            made,
        ],
    ):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    with trusted(ours, cert=made):
        refused(RunError, r"refuses this client's certificate .*expired", encrypted)


def test_a_clients_certificate_makes_no_cluster(ours: Path) -> None:
    with (
        trusted(ours, "client"),
        pytest.raises(SpecError, match="do not trust each other"),
        dask_client.local_cluster(1),
    ):
        pass


def test_encryption_without_certificates() -> None:
    refused(SpecError, "there is none for --tls-ca-file", "tls://127.0.0.1:9")
    with (
        trusting(None, None, None, require_encryption=True),
        pytest.raises(SpecError, match="there is none for --tls-ca-file"),
        dask_client.local_cluster(1),
    ):
        pass


def test_files_that_are_of_no_use(ours: Path, theirs: Path, tmp_path: Path) -> None:
    locked, empty = tmp_path / "locked.key", tmp_path / "empty.pem"
    subprocess.run(
        ["openssl", "ec", "-in", ours / "client.key", "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True, capture_output=True,
    )  # fmt: skip
    empty.touch()
    for wrong, match in (
        ({"cert": None, "key": None}, "none for --tls-cert"),
        ({"ca_file": None}, "none for --tls-ca-file"),
        ({"ca_file": tmp_path / "gone"}, "CA .*cannot be read .No such file"),
        ({"cert": tmp_path / "gone"}, "certificate .*cannot be read"),
        ({"key": tmp_path / "gone"}, "key .*cannot be read"),
        ({"key": tmp_path}, "key .*cannot be read .Is a directory"),
        ({"key": theirs / "client.key"}, "is not that of the certificate"),
        ({"key": None}, "cannot be understood"),
        ({"key": locked}, "under a passphrase"),
        ({"key": empty}, "cannot be understood"),
        ({"cert": empty}, "cannot be understood"),
        ({"ca_file": empty}, "is no certificate"),
        ({"ca_file": ours / "client.key"}, "is no certificate"),
    ):
        with trusted(ours, **wrong):
            refused(SpecError, match, "tls://127.0.0.1:9")
    with pytest.raises(SpecError, match="key without its certificate"), trusted(ours, cert=None):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_of_somebody_else(ours: Path, tmp_path: Path) -> None:
    key = tmp_path / "other.key"
    key.touch(0o000)
    with trusted(ours, key=key):
        refused(SpecError, "cannot be read .Permission", "tls://127.0.0.1:9")


@pytest.mark.parametrize("address", ["tls://127.0.0.1", "bogus://127.0.0.1:9", "tcp://127.0.0.1:port"])
def test_an_address_that_is_none(address: str, ours: Path) -> None:
    trust_of = trusted(ours) if address.startswith("tls") else trusting(None, None, None)
    with trust_of, pytest.raises(SpecError, match="address is not one"), dask_client.connect(address):
        pass


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("run", "job.yaml"), ("resume", "release")], ids=" ".join)
@pytest.mark.parametrize("where", [(), ("--threads", "1")], ids=str)
def test_certificates_go_with_a_cluster(command: tuple[str, ...], where: tuple[str, ...], folder: Path) -> None:
    done = replicant(folder, *command, *where, "--require-encryption")
    assert done.returncode == 2
    assert "need --scheduler or --workers" in done.stderr


def test_what_the_refused_are_told(folder: Path, ours: Path, theirs: Path, encrypted: str) -> None:
    """In words, and nothing is left behind."""
    words = words_for(theirs, "client")
    words[1] = str(ours / "ca.crt")
    done = replicant(folder, "run", "job.yaml", "--scheduler", encrypted, *words)
    assert done.returncode == 1
    assert "refuses this client's certificate" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {path.name for path in folder.iterdir()} == {"data.parquet", "job.yaml"}


# --- the certificates -------------------------------------------------------------------------------------------------


def test_keys_are_private_and_roles_are_kept_apart(ours: Path) -> None:
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700
    roles = ["ca", "client", "scheduler", "worker"]
    assert sorted(path.name for path in ours.iterdir()) == sorted(f"{r}.{end}" for r in roles for end in ("crt", "key"))
    for role in roles:
        assert stat.S_IMODE((ours / f"{role}.key").stat().st_mode) == 0o600

    def may(role: str, purpose: str) -> bool:
        words = ["openssl", "verify", "-purpose", purpose, "-CAfile", ours / "ca.crt", ours / f"{role}.crt"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    assert all(may(role, "sslclient") for role in ("scheduler", "worker", "client"))
    assert [may(role, "sslserver") for role in ("scheduler", "worker", "client")] == [True, True, False]


def test_a_ca_is_never_replaced(ours: Path) -> None:
    before = (ours / "ca.key").read_bytes()
    done = subprocess.run([SCRIPT, ours], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is a CA" in done.stderr
    assert (ours / "ca.key").read_bytes() == before
