"""deploy/compose, offline: the schema of the Compose specification, and what the parts of the file say of each other.

The commands of its services are run in test_roles.py."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from replicant.cli.options import Bytes
from replicant.spec.load import load_job

from .manifests import DEPLOY, SETTINGS_OF_A_SITE, filled, looked_into

FILE = DEPLOY / "compose" / "compose.yaml"


@pytest.fixture
def project() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(filled(FILE.read_text(), SETTINGS_OF_A_SITE))
    return made


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    with looked_into("check_jsonschema") as wheel:
        return Draft202012Validator(json.loads(wheel.read("check_jsonschema/builtin_schemas/vendor/compose-spec.json")))


def test_the_file_is_as_the_specification_says(project: dict[str, Any], validator: Draft202012Validator) -> None:
    validator.validate(project)


@pytest.mark.parametrize(
    "place", [("services", "worker"), ("services", "scheduler", "healthcheck"), ("networks", "cluster"), ()]
)
def test_a_misspelt_key_is_refused(
    project: dict[str, Any], validator: Draft202012Validator, place: tuple[str, ...]
) -> None:
    def misspelt(key: str) -> dict[str, Any]:
        changed = copy.deepcopy(project)
        node = changed
        for step in place:
            node = node[step]
        node[f"{key}x"] = node.pop(key)
        return changed

    keys = project
    for step in place:
        keys = keys[step]
    assert [key for key in keys if not key.startswith("x-") and validator.is_valid(misspelt(key))] == []


def test_services_hold_no_right_and_see_no_network(project: dict[str, Any]) -> None:
    for service in project["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["networks"] == ["cluster"]
        assert "ports" not in service
        assert service["user"] == SETTINGS_OF_A_SITE["REPLICANT_USER"]
    assert project["networks"]["cluster"] == {"internal": True}


def test_nobody_runs_as_root_by_default() -> None:
    with pytest.raises(AssertionError, match="id -u"):
        filled(FILE.read_text(), {})


def test_everything_that_is_named_is_there(project: dict[str, Any]) -> None:
    for role, service in project["services"].items():
        targets = set()
        for secret in service["secrets"]:
            source = secret if isinstance(secret, str) else secret["source"]
            targets.add(secret if isinstance(secret, str) else secret["target"])
            assert source in project["secrets"]
            assert source.startswith(("ca.", {"job": "client."}.get(role, f"{role}.")))
        named = {Path(value).name for value in service["environment"].values() if value.startswith("/run/secrets/")}
        assert named == targets
        assert {config["source"] for config in service.get("configs", [])} <= set(project["configs"])
        assert set(service.get("depends_on", {})) <= set(project["services"])


def test_certificates_are_where_the_script_puts_them(project: dict[str, Any], tmp_path: Path) -> None:
    subprocess.run(
        [DEPLOY / "tls" / "make_certificates.sh", tmp_path / "certificates"], check=True, capture_output=True
    )
    for entry in project["secrets"].values():
        assert (tmp_path / entry["file"]).is_file()


def test_the_job_is_one_and_its_paths_are_mounted(project: dict[str, Any]) -> None:
    job = load_job(FILE.parent / project["configs"]["job"]["file"], ())
    for role in ("worker", "job"):
        mounts = {volume["target"]: volume.get("read_only", False) for volume in project["services"][role]["volumes"]}
        for path, read_only in ((str(job.input.path), True), (str(job.output.path), False)):
            assert mounts[f"/{path.split('/')[1]}"] is read_only


def test_what_processes_may_take_fits_in_their_containers(project: dict[str, Any]) -> None:
    sizes = {
        word
        for role in ("worker", "job")
        for word in " ".join(project["services"][role]["command"]).split()
        if "MiB" in word
    }
    (size,) = {word.removeprefix("--memory-limit=") for word in sizes}
    for role in ("worker", "job"):
        limit = Bytes().convert(project["services"][role]["mem_limit"].upper(), None, None)
        assert Bytes().convert(size, None, None) + 100 * 2**20 <= limit
