"""Reading what deploy/ describes: its documents, the schemas that others made for them, and the command lines in them.

The schemas lie in wheels that `make schemas` fetches (`tests/deploy/schemas.txt`); they are never installed.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import ZipFile

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

__all__ = [
    "DEPLOY",
    "SETTINGS_OF_A_SITE",
    "command_lines",
    "containers",
    "core_validator",
    "crd_validator",
    "documents",
    "filled",
    "looked_into",
    "pod_specs",
    "rendered",
    "resolved",
]

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
WHEELS = ROOT / "build" / "schemas"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # half a megabyte of YAML

Document: TypeAlias = dict[str, Any]

SETTINGS_OF_A_SITE: Mapping[str, str] = {"REPLICANT_USER": "1000:1000"}
"""Variables without a default: what whoever runs a file has to say."""


def looked_into(name: str) -> ZipFile:
    """A wheel of `make schemas`, opened."""
    found = sorted(WHEELS.glob(f"{name}-*.whl"))
    if not found:
        pytest.skip(f"no wheel of {name} in build/schemas: `make schemas` fetches it")
    return ZipFile(found[-1])


def documents(text: str) -> list[Document]:
    """The documents of a YAML file."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def rendered(folder: Path) -> list[Document]:
    """What kustomize makes of a folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl, which has kustomize in it")
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def pod_specs(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods that a document describes, by the role of each."""
    spec = document.get("spec", {})
    match document["kind"]:
        case "CronJob":
            yield "job", spec["jobTemplate"]["spec"]["template"]["spec"]
        case "DaskJob":
            yield "job-runner", spec["job"]["spec"]
            for role in ("scheduler", "worker"):
                yield role, spec["cluster"]["spec"][role]["spec"]


def containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@cache
def core_validator(kind: str, api_version: str, kubernetes: str) -> Validator:
    """Of a kind that Kubernetes itself has, by its published OpenAPI; unknown keys are refused."""
    with looked_into("kubernetes_validate") as wheel:
        folder = f"kubernetes_validate/kubernetes-json-schema/v{kubernetes}-local-strict"
        definitions = json.loads(wheel.read(f"{folder}/_definitions.json"))
        name = "-".join([kind, *(part.split(".")[0] for part in api_version.split("/"))]).lower()
        schema = json.loads(wheel.read(f"{folder}/{name}.json"))
    registry: Registry[Any] = Registry().with_resource(
        "_definitions.json", Resource.from_contents(definitions, default_specification=DRAFT202012)
    )
    return Draft202012Validator(schema, registry=registry)


@cache
def crd_validator(plural: str) -> Validator:
    """Of a kind that the Dask operator defines; what its server would drop in silence is refused."""
    with looked_into("dask_kubernetes") as wheel:
        path = f"dask_kubernetes/operator/deployment/helm/dask-kubernetes-operator/crds/{plural}.yaml"
        definition = yaml.load(wheel.read(path), _Loader)["spec"]
    (version,) = definition["versions"]
    schema = _closed(version["schema"]["openAPIV3Schema"])
    schema["properties"] |= {
        "apiVersion": {"const": f"{definition['group']}/{version['name']}"},
        "kind": {"const": definition["names"]["kind"]},
        "metadata": {"type": "object", "properties": {name: {} for name in ("name", "namespace", "labels")}},
    }
    schema["properties"]["metadata"] = _closed(schema["properties"]["metadata"])
    return Draft202012Validator(schema | {"required": ["apiVersion", "kind", "metadata", "spec"]})


def _closed(schema: Any) -> Any:
    """A structural schema of Kubernetes as JSON Schema, in which an object has no keys but the ones named."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for word in ("properties", "patternProperties"):
        if word in made:
            made[word] = {name: _closed(one) for name, one in made[word].items()}
    for word in ("items", "additionalProperties", "not"):
        if word in made:
            made[word] = _closed(made[word])
    for word in ("anyOf", "allOf", "oneOf"):
        if word in made:
            made[word] = [_closed(one) for one in made[word]]
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if made.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def filled(text: str, settings: Mapping[str, str]) -> str:
    """The text with its `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as Compose fills them; `$$` is a `$`."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        given = settings.get(found["name"]) or None
        assert given or found["sign"] != "?", f"{found['name']} {found['rest']}"
        return given or found["rest"] or ""

    return re.sub(r"\$\$|\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}", value, text)


def resolved(pod: Mapping[str, Any], config_maps: Mapping[str, Mapping[str, str]]) -> tuple[list[str], dict[str, str]]:
    """Words and environment of a pod's one container, as its node makes them."""
    (container,) = pod["containers"]
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            environment |= config_maps[source["configMapRef"]["name"]]
    # What the node or the operator fills in.
    known = {**environment, "DASK_WORKER_NAME": "worker-1"}
    known |= {entry["name"]: "replicant-29012345" for entry in container.get("env", [])}
    words = [re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], word) for word in container["args"]]
    return words, environment


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every command line of Replicant and of Dask in deploy/, with the file in which it stands."""
    for path in sorted(DEPLOY.rglob("*")):
        read = _READERS.get(path.suffix if path.suffix in _READERS else path.name)
        if read is None or path.is_dir():
            continue
        for words in read(path.read_text()):
            yield str(path.relative_to(ROOT)), words


def _from_yaml(text: str) -> Iterator[list[str]]:
    def walk(node: Any) -> Iterator[list[str]]:
        if isinstance(node, dict):
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            if node and node[0] in _PROGRAMS:
                yield [re.sub(r"\$\(\w+\)", "1GB", str(word)) for word in node]
            for child in node:
                yield from walk(child)

    for document in documents(filled(text, SETTINGS_OF_A_SITE)):
        yield from walk(document)


def _from_unit(text: str) -> Iterator[list[str]]:
    for line in re.findall(r"^Exec\w+=(.*)$", text, re.MULTILINE):
        program, *rest = shlex.split(line)
        yield [Path(program).name, *rest]


def _from_python(text: str) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.List)
            and node.elts
            and isinstance(node.elts[0], ast.Constant)
            and node.elts[0].value in _PROGRAMS
        ):
            yield [_literally(element) for element in node.elts]
        elif isinstance(node, ast.keyword) and node.arg == "bash_command" and isinstance(node.value, ast.Constant):
            yield shlex.split(re.sub(r"{{.*?}}", "x", node.value.value))


def _literally(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_literally(part) for part in parts)
    return "x"


def _from_markdown(text: str) -> Iterator[list[str]]:
    blocks = [block for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    indented = re.findall(
        r"(?:^ {4}.*\n?)+", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    for block in (*blocks, *indented):
        for line in block.replace("\\\n", " ").splitlines():
            with_comment_gone = re.sub(r"\s#.*", "", line).strip()
            if with_comment_gone.split(" ")[0] in _PROGRAMS:
                yield shlex.split(with_comment_gone)


_PROGRAMS = ("replicant", "dask")
_READERS: Mapping[str, Callable[[str], Iterator[list[str]]]] = {
    ".yaml": _from_yaml,
    ".service": _from_unit,
    ".py": _from_python,
    ".md": _from_markdown,
}
