"""The distribution is `replicant-synthesis`: the name `replicant` on the public index belongs to somebody else."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import replicant
from replicant.versions import software, versions

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-extras.lock", "requirements-dev.lock")
FOREIGN = re.compile(
    r"pip install(?: -[\w-]+)* [\"']?replicant(?![\w-])"
    r"|(?<![\w-])replicant\[(?:build|dev|excel|jobqueue|polars|s3|stat)"
)
"""A line that would install, or a requirement that would name, the other package."""


def texts() -> list[Path]:
    """The files of the repository; in a folder that is none, those of the package."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return [*ROOT.glob("*.*"), *(ROOT / "engine").rglob("*.py"), *(ROOT / "engine").rglob("*.md")]
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_nothing_would_install_the_other_package() -> None:
    found = []
    for path in texts():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FOREIGN.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "foreign"),
    [
        ("pip install {name}", True),
        ('pip install --upgrade "{name}[s3]"', True),
        ('"{name}[stat]"', True),
        ('pip install "replicant-synthesis[stat]"', False),
        ("pip install pyreadstat", False),
    ],
)
def test_what_is_looked_for(line: str, foreign: bool) -> None:
    assert bool(FOREIGN.search(line.format(name="replicant"))) == foreign


def test_names_and_extras() -> None:
    assert PROJECT["name"] == "replicant-synthesis"
    assert PROJECT["scripts"] == {"replicant": "replicant.cli.main:main"}
    assert {"stat", "excel", "s3", "polars", "jobqueue"} <= PROJECT["optional-dependencies"].keys()


def test_our_own_version_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed under the name `replicant`."""
    genuine = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if name == "replicant" else genuine(name))
    assert versions(["replicant"]) == {"replicant": replicant.__version__}
    assert software()["replicant"] == replicant.__version__
    assert versions(["numpy", "no-such-package"]) == {"numpy": genuine("numpy")}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
    for package in re.split(r"\n(?=[A-Za-z0-9])", text):
        if "==" in package:
            assert "--hash=sha256:" in package, package.partition(" ")[0]


def locked(lock: str) -> dict[str, str]:
    """Versions by package."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_runtime_lock_has_no_extra() -> None:
    extras = PROJECT["optional-dependencies"]
    packages = {
        re.split(r"[\[<>=]", one)[0].lower() for name in extras if name not in {"build", "dev"} for one in extras[name]
    }
    assert {"polars", "s3fs", "pyreadstat", "python-calamine", "xlsxwriter", "dask-jobqueue"} <= packages
    assert not packages & locked("requirements.lock").keys()
    assert not {"botocore", "aiohttp", "moto", "pytest"} & locked("requirements.lock").keys()


def test_the_lock_of_extras_reads_and_writes_all_that_a_job_may() -> None:
    found = locked("requirements-extras.lock")
    assert {"pyreadstat", "python-calamine", "xlsxwriter", "s3fs"} <= found.keys()
    assert not {"polars", "dask-jobqueue", "pytest"} & found.keys()


def test_locks_agree() -> None:
    runtime, extras, everything = (locked(lock) for lock in LOCKS)
    assert runtime.items() <= extras.items() <= everything.items()
