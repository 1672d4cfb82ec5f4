"""A server that speaks S3, and the way to it."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

import replicant as rp
from replicant.execution.backend import Backend
from replicant.storage import filesystem

from .ground import ANSWERS, KEY_ID, SECRET, Bucket, Connection, digests, frame, settings


@pytest.fixture(scope="session")
def _server() -> Iterator[tuple[str, int]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture(scope="session")
def _between(_server: tuple[str, int]) -> Iterator[tuple[ThreadingHTTPServer, type[BaseHTTPRequestHandler]]]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        connection_now: Connection | None = None

        def handle_one(self) -> None:
            now = type(self).connection_now
            fate = None if now is None else now.fate(self.command, self.path)
            length = int(self.headers.get("Content-Length", 0))
            if fate == "cut":
                self.rfile.read(length // 2)
                return self.reset()
            body = self.rfile.read(length)
            if fate == "stall":
                time.sleep(2.5)
                return self.reset()
            if fate in ANSWERS:
                status, content = ANSWERS[fate]
                self.close_connection = True
                self.send_response(status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
                return None
            behind = http.client.HTTPConnection(*_server)
            behind.request(self.command, self.path, body, dict(self.headers.items()))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            if fate == "lost":
                return self.reset()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "server", "date"}:
                    self.send_header(name, value)
            self.end_headers()
            if fate == "torn":
                self.wfile.write(content[: len(content) // 2])
                return self.reset()
            self.wfile.write(content)
            return None

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_one

        def reset(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, *words: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError, ValueError):  # it was closed on purpose
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server, Handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def connection(_between: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """The way to the server, found by the environment; this process and its children use it."""
    from s3fs import S3FileSystem

    server, handler = _between
    now = Connection(f"http://127.0.0.1:{server.server_address[1]}")
    handler.connection_now = now
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    said = {
        "AWS_ENDPOINT_URL": now.url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        # What the client tries again by itself hides what the engine does.
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(filesystem, "PAUSE", 0.01)
    monkeypatch.setattr(filesystem, "_gave_up", False)
    monkeypatch.setattr(S3FileSystem, "read_timeout", 1)
    S3FileSystem.clear_instance_cache()  # they keep the environment of their making
    yield now
    handler.connection_now = None
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(connection: Connection, _server: tuple[str, int]) -> Iterator[Bucket]:
    """An empty bucket."""
    made = Bucket(f"b{uuid.uuid4().hex[:12]}", _server)
    made.ask("PUT", "")
    yield made
    for name in made.files():
        made.ask("DELETE", f"/{name}")


@pytest.fixture
def data(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of three files, the same on the disk (`data`) and in the bucket; the working directory is empty else."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    whole = frame()
    for i, (low, high) in enumerate([(0, 500), (500, 700), (700, len(whole))]):
        path = folder / f"{i}.parquet"
        whole.iloc[low:high].to_parquet(path, index=False, row_group_size=100)
        bucket.put(f"data/{path.name}", path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The release that a job gives on the disk, by kind of job."""
    made: dict[str, dict[str, str]] = {}

    def make(kind: str, data: Path) -> dict[str, str]:
        if kind not in made:
            from replicant.run.job import run_job
            from replicant.spec.load import parse_job

            target = tmp_path_factory.mktemp("here") / "release"
            run_job(parse_job(json.dumps(settings(kind, str(data), str(target)))), Backend(threads=1))
            assert rp.verify_release(target).ok
            files = {f"release/{p.relative_to(target)}": p.read_bytes() for p in target.rglob("*") if p.is_file()}
            made[kind] = digests(files, "release")
        return made[kind]

    return make
