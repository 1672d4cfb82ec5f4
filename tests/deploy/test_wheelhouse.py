"""`make wheelhouse`: what lies there is enough to install Replicant without a network, and nothing else will do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import replicant as rp

ROOT = Path(__file__).resolve().parents[2]
WHEELHOUSE = ROOT / "build" / "wheelhouse"


@pytest.fixture(scope="module")
def wheelhouse() -> Path:
    """The folder, made by the environment that runs the tests."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("make wheelhouse works with .venv, and another environment runs the tests")
    done = subprocess.run(["make", "wheelhouse"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return WHEELHOUSE


@pytest.mark.slow
def test_an_installation_needs_the_folder_only(wheelhouse: Path, tmp_path: Path) -> None:
    shutil.copytree(wheelhouse, tmp_path / "carried")
    python = tmp_path / "offline" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "offline"], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
    # The line of README.txt; without an index, and without what this machine tells pip elsewhere.
    words = re.search(r"bin/pip (install --no-index .*)", (wheelhouse / "README.txt").read_text())
    assert words is not None
    subprocess.run(
        [python, "-m", "pip", "--isolated", *words[1].split()], cwd=tmp_path / "carried", env=environment, check=True
    )
    program = [tmp_path / "offline" / "bin" / "replicant", "version"]
    said = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert rp.__version__ in said.stdout
    there = subprocess.run([python, "-m", "pip", "check"], env=environment, check=False)
    assert there.returncode == 0


@pytest.mark.slow
def test_a_wheel_that_was_changed_is_refused(wheelhouse: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(wheelhouse, tmp_path / "changed")
    (ours,) = changed.glob("replicant_synthesis-*.whl")
    ours.write_bytes(ours.read_bytes() + b" ")
    words = [sys.executable, "-m", "pip", "--isolated", "install", "--dry-run", "--no-deps", "--ignore-installed"]
    words += ["--no-index", "--find-links", ".", "--require-hashes", "--requirement", "requirements.txt"]
    done = subprocess.run(words, cwd=changed, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
