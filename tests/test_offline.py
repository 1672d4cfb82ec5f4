"""Nothing phones home: with threads no socket is opened, and no library that could open one is even imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import replicant as rp

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}

SPEAKERS = ["aiohttp", "botocore", "distributed", "requests", "tornado", "urllib3"]

# The whole way of a job, as a user goes it; the last word of an audit hook is final.
DENYING = f"""
import sys

def deny(event, args):
    if event.startswith("socket.") and event not in {{"socket.gethostname", "socket.__new__"}}:
        print("spoke:", event, flush=True)
        raise PermissionError(event)

sys.addaudithook(deny)
from replicant.cli.main import main

for words in (
    ["plan", "jobs/demo.yaml"],
    ["run", "jobs/demo.yaml", "--threads", "2", "--set", "output.path=" + sys.argv[1], "--log", "json"],
    ["verify", sys.argv[1]],
    ["pool", sys.argv[1], "--formula", "age ~ educ"],
    ["schema"],
    ["version"],
):
    try:
        main(words)
    except SystemExit as left:
        assert not left.code, (words, left.code)
if "--imports" in sys.argv:
    print("imported:", *sorted(set({SPEAKERS}) & set(sys.modules)))
"""


def test_no_socket_is_opened(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DENYING, str(tmp_path / "release"), "--imports"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "spoke:" not in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["imported:"]
    assert rp.verify_release(tmp_path / "release").ok


def test_the_hook_would_find_one() -> None:
    """What the other test relies on."""
    hook = DENYING.partition("from replicant")[0]
    for call in ("socket.create_connection(('127.0.0.1', 9))", "socket.getaddrinfo('example.org', 80)"):
        done = subprocess.run(
            [sys.executable, "-c", f"{hook}\nimport socket; {call}"], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert "spoke: socket." in done.stdout


def test_without_any_network(tmp_path: Path) -> None:
    """In a namespace that has not even a loopback interface, workers aside all is done."""
    alone = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace can be made here")
    words = ["run", "jobs/demo.yaml", "--threads", "2", "--set", f"output.path={tmp_path / 'release'}"]
    subprocess.run([*alone, sys.executable, "-m", "replicant.cli.main", *words], cwd=ROOT, env=ENVIRONMENT, check=True)
    assert rp.verify_release(tmp_path / "release").ok
