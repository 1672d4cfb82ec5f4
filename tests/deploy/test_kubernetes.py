"""deploy/kubernetes, offline: against the schemas of Kubernetes and of the Dask operator, the restricted Pod Security
Standard, and what its own parts say of each other. The commands of its pods are run in test_roles.py."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema.exceptions import ValidationError

from replicant.cli.options import Bytes
from replicant.spec.load import load_job

from .manifests import (
    DEPLOY,
    Document,
    containers,
    core_validator,
    crd_validator,
    documents,
    looked_into,
    pod_specs,
    rendered,
    resolved,
)

FOLDER = DEPLOY / "kubernetes"
BUILDS = ["cluster", "scheduled", "overlays/agency", "overlays/object-store"]
KUBERNETES = ["1.30.0", "1.37.0"]

BY_HAND = {
    "replicant-scheduler-tls": {"ca.crt", "tls.crt", "tls.key"},
    "replicant-worker-tls": {"ca.crt", "tls.crt", "tls.key"},
    "replicant-client-tls": {"ca.crt", "tls.crt", "tls.key"},
    "replicant-object-store": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"},
}
"""Secrets that deploy/README.md says how to make, and their keys."""

built = cache(lambda name: rendered(FOLDER / name))


def raw() -> list[tuple[str, Document]]:
    """Whole documents as they stand in the files; patches and job files are parts of others."""
    paths = [path for folder in ("base", "cluster", "scheduled") for path in sorted((FOLDER / folder).glob("*.yaml"))]
    return [
        (f"{path.parent.name}/{path.name}", document)
        for path in paths
        for document in documents(path.read_text())
        if "kind" in document and document["kind"] != "Kustomization"
    ]


def check(document: Document, kubernetes: str) -> None:
    if document["apiVersion"].startswith("kubernetes.dask.org/"):
        crd_validator("daskjob").validate(document)
    else:
        core_validator(document["kind"], document["apiVersion"], kubernetes).validate(document)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize(("place", "document"), raw(), ids=[f"{place}-{one['kind']}" for place, one in raw()])
def test_a_document_is_as_its_schema_says(place: str, document: Document, kubernetes: str) -> None:
    check(document, kubernetes)


@pytest.mark.parametrize("build", BUILDS)
def test_what_kustomize_makes_is_as_its_schema_says(build: str) -> None:
    for document in built(build):
        check(document, KUBERNETES[-1])


def _with_a_typo(document: Document) -> Iterator[tuple[str, Document]]:
    """The document with one key misspelt, for every key that a schema names (labels and such are free)."""

    def walk(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if isinstance(node, dict):
            for key, child in node.items():
                yield (*path, key)
                if key not in {"matchLabels", "labels", "annotations", "requests", "limits", "selector"}:
                    yield from walk(child, (*path, key))
        elif isinstance(node, list):
            for index, child in enumerate(node):
                yield from walk(child, (*path, index))

    for path in walk(document, ()):
        changed = copy.deepcopy(document)
        parent: Any = changed
        for step in path[:-1]:
            parent = parent[step]
        parent[f"{path[-1]}x"] = parent.pop(path[-1])
        yield ".".join(map(str, path)), changed


@pytest.mark.parametrize("kind", ["DaskJob", "CronJob", "NetworkPolicy", "PersistentVolumeClaim", "ServiceAccount"])
def test_every_misspelt_key_is_refused(kind: str) -> None:
    document = next(document for _, document in raw() if document["kind"] == kind)
    if kind == "DaskJob":
        validator = crd_validator("daskjob")
    else:
        validator = core_validator(kind, document["apiVersion"], KUBERNETES[-1])
    taken = [path for path, changed in _with_a_typo(document) if validator.is_valid(changed)]
    assert taken == []


@pytest.mark.parametrize("value", ["four", None, -1.5])
def test_a_value_of_the_wrong_type_is_refused(value: Any) -> None:
    document = copy.deepcopy(next(document for _, document in raw() if document["kind"] == "DaskJob"))
    document["spec"]["cluster"]["spec"]["worker"]["replicas"] = value
    with pytest.raises(ValidationError):
        crd_validator("daskjob").validate(document)


def pods(build: str) -> list[tuple[str, dict[str, Any]]]:
    return [pod for document in built(build) for pod in pod_specs(document)]


@pytest.mark.parametrize("build", BUILDS)
def test_pods_meet_the_restricted_standard(build: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, and a read-only root."""
    assert pods(build)
    for _, pod in pods(build):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {"secret", "configMap", "emptyDir", "persistentVolumeClaim"} >= {
            key for volume in pod["volumes"] for key in volume if key != "name"
        }
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert all("hostPort" not in port for port in container.get("ports", []))
    (namespace,) = [document for document in built(build) if document["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("build", BUILDS)
def test_pods_have_bounds(build: str) -> None:
    for _, pod in pods(build):
        for container in containers(pod):
            bounds = container["resources"]
            assert {"cpu", "memory", "ephemeral-storage"} <= set(bounds["requests"])
            for kind in ("memory", "ephemeral-storage"):  # no pod takes what another was promised
                assert bounds["requests"][kind] == bounds["limits"][kind]
        sizes = [_bytes(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"] if "emptyDir" in volume]
        assert sum(sizes) <= _bytes(pod["containers"][0]["resources"]["limits"]["ephemeral-storage"])


def _bytes(size: str) -> int:
    """Of a quantity such as Kubernetes, Dask and Replicant write it (`Gi`, `GiB`)."""
    return Bytes().convert(size, None, None)


def _option(words: list[str], name: str) -> str | None:
    found = [
        word.partition("=")[2] or following
        for word, following in itertools.pairwise([*words, ""])
        if word.split("=")[0] == name
    ]
    return found[0] if found else None


@pytest.mark.parametrize("build", BUILDS)
def test_what_processes_may_take_fits_in_their_pods(build: str) -> None:
    """A process ends itself before its pod is ended, and the job is planned for what its workers may take."""
    told = set()
    for role, pod in pods(build):
        if role == "scheduler":
            continue
        words, _ = resolved(pod, config_maps(build))
        size = _option(words, "--memory-limit") or _option(words, "--memory")
        assert size is not None, role
        told.add(size)
        processes = int(_option(words, "--workers") or 1)
        limit = _bytes(pod["containers"][0]["resources"]["limits"]["memory"])
        assert processes * _bytes(size) + 400 * 2**20 <= limit, role
    assert len(told) == 1


def config_maps(build: str) -> dict[str, Mapping[str, str]]:
    return {one["metadata"]["name"]: one["data"] for one in built(build) if one["kind"] == "ConfigMap"}


@pytest.mark.parametrize("build", BUILDS)
def test_everything_that_is_named_is_there(build: str) -> None:
    made = {(document["kind"], document["metadata"]["name"]) for document in built(build)}
    made |= {("Secret", name) for name in BY_HAND}
    for _, pod in pods(build):
        named = {("ServiceAccount", pod["serviceAccountName"])}
        for volume in pod["volumes"]:
            match volume:
                case {"configMap": {"name": name}}:
                    named.add(("ConfigMap", name))
                case {"secret": {"secretName": name}}:
                    named.add(("Secret", name))
                case {"persistentVolumeClaim": {"claimName": name}}:
                    named.add(("PersistentVolumeClaim", name))
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in containers(pod):
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            for source in container.get("envFrom", []):
                ((kind, reference),) = source.items()
                named.add(({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"]))
        assert named <= made
    namespaces = {one["metadata"].get("namespace") for one in built(build) if one["kind"] != "Namespace"}
    assert namespaces == {one["metadata"]["name"] for one in built(build) if one["kind"] == "Namespace"}


@pytest.mark.parametrize("build", BUILDS)
def test_the_job_is_one_and_its_paths_are_mounted(build: str, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(config_maps(build)["replicant-job"]["job.yaml"])
    job = load_job(tmp_path / "job.yaml", ())
    for role, pod in pods(build):
        if role == "scheduler":
            continue
        (container,) = pod["containers"]
        mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
        for path, read_only in ((str(job.input.path), True), (str(job.output.path), False)):
            folder = re.match(r"/\w+", path)
            assert mounts[folder[0]] is read_only if folder else path.startswith("s3://")


def test_the_readme_makes_the_secrets_that_are_mounted() -> None:
    text = (DEPLOY / "README.md").read_text().replace("\\\n", " ")
    made = {
        found[1]: set(re.findall(r"--from-(?:file|literal)=([\w.]+)=", found[2]))
        for found in re.finditer(r"kubectl create secret generic ([\w-]+)(.*)", text)
    }
    assert made == BY_HAND
    # The files are named in the settings that all roles share.
    named = {
        Path(value).name for value in config_maps("cluster")["replicant-dask"].values() if value.startswith("/tls/")
    }
    assert named == BY_HAND["replicant-worker-tls"]


def test_labels_and_names_are_those_of_the_operator() -> None:
    """The operator names the pods, the service and their labels; its own source says how."""
    with looked_into("dask_kubernetes") as wheel:
        controller = wheel.read("dask_kubernetes/operator/controller/controller.py").decode()
        constants = wheel.read("dask_kubernetes/constants.py").decode()
    assert set(re.findall(r'"dask.org/component": "([\w-]+)"', controller)) >= {"scheduler", "worker", "job-runner"}
    assert '"dask.org/cluster-name": cluster_name' in controller
    assert 'cluster_name = f"{name}"' in controller  # of a job: its own name
    assert 'SCHEDULER_NAME_TEMPLATE = "{cluster_name}-scheduler"' in constants
    (job,) = [document for document in built("cluster") if document["kind"] == "DaskJob"]
    for role, pod in pods("cluster"):
        words, _ = resolved(pod, config_maps("cluster"))
        if role != "scheduler":
            assert f"tls://{job['metadata']['name']}-scheduler:8786" in words


def _allowed(policies: list[Document], labels: Mapping[str, Mapping[str, str]]) -> set[tuple[str, str, int]]:
    """Who may open a connection to whom, at which port: granted at both ends, by any policy that chooses that end."""

    def chosen(selector: Mapping[str, Any], own: Mapping[str, str]) -> bool:
        expressions = selector.get("matchExpressions", [])
        assert all(one["operator"] == "Exists" for one in expressions)
        return selector.get("matchLabels", {}).items() <= own.items() and all(one["key"] in own for one in expressions)

    def granted(here: str, there: str, port: int, way: str) -> bool:
        peers = {"Ingress": "from", "Egress": "to"}[way]
        bound = [
            p["spec"]
            for p in policies
            if chosen(p["spec"]["podSelector"], labels[here]) and way in p["spec"]["policyTypes"]
        ]
        return not bound or any(
            any(entry["port"] == port for entry in rule["ports"])
            and any(set(peer) == {"podSelector"} and chosen(peer["podSelector"], labels[there]) for peer in rule[peers])
            for spec in bound
            for rule in spec.get(way.lower(), [])
        )

    return {
        (source, target, port)
        for source, target in itertools.product(labels, repeat=2)
        for port in (53, 443, 8786, 8787, 8788, 8789)
        if granted(source, target, port, "Egress") and granted(target, source, port, "Ingress")
    }


@pytest.mark.parametrize("build", BUILDS)
def test_nobody_reaches_more_than_a_cluster_needs(build: str) -> None:
    policies = [document for document in built(build) if document["kind"] == "NetworkPolicy"]
    roles = ("scheduler", "worker", "job-runner")
    labels = {role: {"dask.org/cluster-name": "replicant", "dask.org/component": role} for role in roles}
    labels |= {"stranger": {"app": "other"}, "another": {"dask.org/cluster-name": "b", "dask.org/component": "worker"}}
    labels |= {"cron": {"batch.kubernetes.io/job-name": "replicant-1"}}
    needed = {("worker", "scheduler", 8786), ("job-runner", "scheduler", 8786), ("worker", "worker", 8788)}
    needed |= {("scheduler", "worker", 8788), ("scheduler", "worker", 8789)}
    has_cluster = any(document["kind"] == "DaskJob" for document in built(build))
    assert _allowed(policies, labels) == (needed if has_cluster else set())


@pytest.mark.parametrize("build", ["cluster", "overlays/agency"])
def test_the_ports_of_policies_are_those_that_are_listened_at(build: str) -> None:
    listened: dict[str, set[int]] = {}
    for role, pod in pods(build):
        words, _ = resolved(pod, config_maps(build))
        options = {"--port", "--worker-port", "--nanny-port"}
        listened[role] = {int(value) for name in options if (value := _option(words, name)) is not None}
        assert {port["containerPort"] for port in pod["containers"][0].get("ports", [])} == listened[role]
    for policy in (document for document in built(build) if document["kind"] == "NetworkPolicy"):
        role = policy["spec"]["podSelector"].get("matchLabels", {}).get("dask.org/component")
        opened = {entry["port"] for rule in policy["spec"].get("ingress", []) for entry in rule["ports"]}
        assert opened == listened.get(role, set())


def test_a_second_try_is_only_made_where_it_may_help() -> None:
    from replicant.errors import Exit

    (cron,) = [document for document in built("scheduled") if document["kind"] == "CronJob"]
    job = cron["spec"]["jobTemplate"]["spec"]
    failing = job["podFailurePolicy"]["rules"][0]
    assert failing["action"] == "FailJob"
    assert set(failing["onExitCodes"]["values"]) == {Exit.SPEC, Exit.DATA}
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # what a failure policy asks for
    assert failing["onExitCodes"]["containerName"] in {one["name"] for one in job["template"]["spec"]["containers"]}


def test_an_overlay_changes_what_it_means_to_change() -> None:
    (job,) = [document for document in built("overlays/agency") if document["kind"] == "DaskJob"]
    images = {container["image"] for _, pod in pod_specs(job) for container in containers(pod)}
    assert images == {"images.agency.example/replicant:0.1.0"}
    assert job["spec"]["cluster"]["spec"]["worker"]["replicas"] == 16
    claims = [document["spec"] for document in built("overlays/agency") if document["kind"] == "PersistentVolumeClaim"]
    assert {claim["storageClassName"] for claim in claims} == {"encrypted-shared"}
    assert not [document for document in built("overlays/object-store") if document["kind"] == "PersistentVolumeClaim"]


def test_quantities_are_understood() -> None:
    assert _bytes("4Gi") == 4 * 2**30 == _bytes("4GiB")
    with pytest.raises(click.BadParameter):
        _bytes("4 sheep")
    assert yaml.safe_load("0440") == 0o440
