"""The bill of materials lists what the lock has, and nothing whose licence forbids what an office does with it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from license_expression import get_spdx_licensing

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "sbom" / "make_sbom.py"


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    """The script."""
    spec = importlib.util.spec_from_file_location("make_sbom", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it writes."""
    place = tmp_path_factory.mktemp("sbom") / "build" / "sbom.json"
    subprocess.run([sys.executable, SCRIPT, place], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(place.read_text())
    return found


def test_every_package_of_the_lock_is_in_it(made: dict[str, Any]) -> None:
    """The lock read by a line of our own, not by CycloneDX."""
    lock = (ROOT / "requirements-extras.lock").read_text()
    wanted = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    assert {one["name"]: one["version"] for one in made["components"]} == wanted
    assert made["bomFormat"] == "CycloneDX"
    assert made["metadata"]["component"]["name"] == "replicant-synthesis"
    hashes = {
        one["content"] for part in made["components"] for ref in part["externalReferences"] for one in ref["hashes"]
    }
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", lock))


def test_every_licence_is_known_and_allowed(made: dict[str, Any], sbom: ModuleType) -> None:
    assert sbom.problems(made["components"]) == []
    assert all(sbom.licences(one) for one in made["components"])


def test_every_licence_is_one_expression_of_the_spdx_list(made: dict[str, Any]) -> None:
    """Parsed by a library that knows the list, not by the script."""
    spdx = get_spdx_licensing()
    parts = [*made["components"], made["metadata"]["component"]]
    for part in parts:
        (entry,) = part["licenses"]
        text = entry.get("expression") or entry["license"]["id"]
        assert spdx.validate(text).errors == [], part["name"]


def test_what_was_read_in_a_licence_file_is_still_needed(made: dict[str, Any], sbom: ModuleType) -> None:
    assert sbom.READ.keys() <= {sbom.name_of(one) for one in made["components"]}


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ([{"license": {"id": "MIT"}}], "MIT"),
        ([{"expression": "Apache-2.0 OR BSD-2-Clause"}], "Apache-2.0 OR BSD-2-Clause"),
        ([{"license": {"name": "License :: OSI Approved :: Apache Software License"}}], "Apache-2.0"),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "License :: OSI Approved :: MIT License"}}], "MIT"),
        (
            [{"license": {"id": "BSD-2-Clause"}}, {"license": {"name": "License :: OSI Approved :: BSD License"}}],
            "BSD-2-Clause",
        ),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], None),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "GPL-3.0-only"}}], None),
        ([{"license": {"name": "as is"}}], None),
        ([], None),
    ],
    ids=str,
)
def test_the_licence_that_metadata_mean(stated: list[Any], meant: str | None, sbom: ModuleType) -> None:
    assert sbom.expression({"name": "other", "licenses": stated}) == meant


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ({"expression": "AGPL-3.0-or-later"}, True),
        ({"license": {"name": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"}}, True),
        ({"license": {"id": "LGPL-2.1-only"}}, True),
        ({"license": {"id": "BUSL-1.1"}}, True),
        ({"license": {"name": "Business Source License"}}, True),
        ({"expression": "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1"}, False),
        ({"expression": "BSD-3-Clause AND GPL-3.0-or-later"}, True),
        ({"license": {"id": "MIT"}}, False),
        ({"license": {"name": "License :: OSI Approved :: BSD License"}}, True),
        (None, True),
    ],
    ids=str,
)
def test_what_is_refused(licence: Any, refused: bool, sbom: ModuleType) -> None:
    component = {"name": "other", "licenses": [] if licence is None else [licence]}
    assert bool(sbom.problems([component])) == refused


def test_another_version_than_the_lock_s_is_refused(sbom: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    components = iter([[{"name": "A_b", "version": "1"}], [{"name": "a-b", "version": "2"}]])
    monkeypatch.setattr(sbom, "bill", lambda *words: {"components": next(components)})
    with pytest.raises(ValueError, match="a-b is 2 here and 1 in the lock"):
        sbom.make()
