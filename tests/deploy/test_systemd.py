"""deploy/systemd by systemd's own tools, and what it promises of exit codes."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from replicant.errors import Exit

from .manifests import DEPLOY

FOLDER = DEPLOY / "systemd"
EXPOSURE = 10
"""Tenths of a point, of 100, that `systemd-analyze security` may find: 5 with systemd 252; later ones ask for more."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for path in FOLDER.glob("replicant@.*"):
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/replicant/bin/replicant", "/bin/true"))
    return tmp_path


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    names = [folder / f"replicant@survey.{kind}" for kind in ("service", "timer")]
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )


def test_the_units_are_understood(units: Path) -> None:
    done = verify(units)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("NoNewPrivileges=", "NoNewPrivilege="),
        ("RestartForceExitStatus=4 ", "RestartForceExitStatus=four "),
        ("Type=exec", "Type=oneshot"),  # which systemd 252 does not start again
        ("/bin/true", "/opt/none/replicant"),
    ],
)
def test_a_mistake_is_noticed(units: Path, right: str, wrong: str) -> None:
    service = units / "replicant@.service"
    assert right in service.read_text()
    service.write_text(service.read_text().replace(right, wrong))
    done = verify(units)
    assert done.returncode != 0 or done.stderr


def exposure(service: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", service],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_service_is_shut_in(units: Path) -> None:
    done = exposure(units / "replicant@.service")
    assert done.returncode == 0, done.stdout[-200:]


def test_a_service_that_is_less_shut_in_is_noticed(units: Path) -> None:
    service = units / "replicant@.service"
    service.write_text(re.sub(r"^(PrivateNetwork|SystemCallFilter)=.*\n", "", service.read_text(), flags=re.MULTILINE))
    assert exposure(service).returncode != 0


@pytest.mark.parametrize("kind", ["sysusers", "tmpfiles"])
def test_users_and_folders_are_made(kind: str, tmp_path: Path) -> None:
    program = f"systemd-{kind}"
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    (tmp_path / "etc").mkdir()
    file = str(FOLDER / f"replicant.{kind}.conf")
    if kind == "tmpfiles":
        (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\nreplicant:x:999:999::/:/bin/false\n")
        (tmp_path / "etc" / "group").write_text("root:x:0:\nreplicant:x:999:\n")
        command = [program, "--create", f"--root={tmp_path}", file]
    else:
        command = [program, f"--root={tmp_path}", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if kind == "sysusers":
        assert "replicant:" in (tmp_path / "etc" / "passwd").read_text()
    else:
        output = tmp_path / "srv" / "replicant" / "output"
        assert (output.stat().st_uid, output.stat().st_mode & 0o777) == (999, 0o750)


def test_a_stopped_run_is_taken_up_and_others_wait() -> None:
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str  # type: ignore[assignment, method-assign]
    service.read(FOLDER / "replicant@.service")
    again = service["Service"]["RestartForceExitStatus"].split()
    assert again == [str(int(Exit.PARTIAL)), str(int(Exit.TERMINATED)), "SIGKILL"]
    assert "Restart" not in service["Service"]


def test_what_the_unit_writes_to_is_made_for_it() -> None:
    folders = {
        line.split()[1] for line in (FOLDER / "replicant.tmpfiles.conf").read_text().splitlines() if line[0] == "d"
    }
    named = set(
        re.findall(
            r"^(?:ReadWritePaths|ReadOnlyPaths|RequiresMountsFor)=(\S+)",
            (FOLDER / "replicant@.service").read_text(),
            re.MULTILINE,
        )
    )
    assert named <= folders
    assert "/etc/replicant" in folders
