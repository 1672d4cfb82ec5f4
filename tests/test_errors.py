"""Exit codes are one table: errors, help and documents say the same."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from replicant import errors
from replicant.cli.main import cli
from replicant.errors import Exit, ReplicantError

ROOT = Path(__file__).resolve().parents[1]

# They are promised to scripts: a number never changes its meaning.
CODES = {
    "DONE": 0,
    "FAILED": 1,
    "SPEC": 2,
    "DATA": 3,
    "PARTIAL": 4,
    "WITHHELD": 5,
    "INTERRUPTED": 130,
    "TERMINATED": 143,
}


def families(root: type[ReplicantError] = ReplicantError) -> list[type[ReplicantError]]:
    return [root, *(below for one in root.__subclasses__() for below in families(one))]


def test_the_numbers_are_stable() -> None:
    assert {one.name: int(one) for one in Exit} == CODES


def test_every_family_has_one_of_them() -> None:
    codes = {one.__name__: one.exit_code for one in families() if one.__module__ == errors.__name__}
    assert set(codes.values()) <= set(Exit)
    assert codes["SpecError"] == codes["ExpressionError"] == 2
    assert (codes["DataError"], codes["PartialError"], codes["ReleaseError"]) == (3, 4, 1)
    assert all(isinstance(one.exit_code, Exit) for one in families())


def test_help_and_documents_have_the_table() -> None:
    table = {str(int(one)): one.meaning for one in Exit}
    helped = re.findall(
        r"^ +(\d+) +(.+)$", CliRunner().invoke(cli, ["--help"]).output.partition("Exit codes:")[2], re.M
    )
    assert dict(helped) == table
    written = re.findall(r"^\| `(\d+)` \| ([^|]+) \|", (ROOT / "engine" / "docs" / "operations.md").read_text(), re.M)
    assert {code: meaning.strip() for code, meaning in written} == table


@pytest.mark.parametrize("code", Exit)
def test_a_code_survives_a_journey(code: Exit) -> None:
    again = pickle.loads(pickle.dumps(code))
    assert (again, again.meaning) == (code, code.meaning)
