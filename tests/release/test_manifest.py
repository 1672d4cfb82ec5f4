"""The public manifest tells analysts what they need, and nothing from which the synthesis could be repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replicant import release
from replicant.errors import ReleaseError
from replicant.release.manifest import listed, manifest_bytes, parse_manifest

SHA = "a" * 64
PARTS = [release.SetFile(i, 0, f"imputation=0{i}/part-0.parquet", 60, 1000, SHA) for i in (3, 1, 2)]


def words(document: Any) -> set[str]:
    """Every key and every scalar in a document, as text."""
    if isinstance(document, dict):
        return {str(key) for key in document} | {word for value in document.values() for word in words(value)}
    if isinstance(document, list):
        return {word for value in document for word in words(value)}
    return {str(document)}


def test_what_the_public_manifest_says(table: Any, make_plan: Any) -> None:
    manifest = json.loads(manifest_bytes(release.public_manifest(make_plan(), table, PARTS)))
    assert parse_manifest(manifest_bytes(manifest)) == manifest
    assert [entry["imputation"] for entry in manifest["files"]] == [1, 2, 3]
    assert (manifest["m"], manifest["n"], manifest["k"]) == (3, 60, 60)
    columns = {column["name"]: column for column in manifest["columns"]}
    assert list(columns) == list(table.names)
    assert manifest["synthetic"] is True
    assert (columns["ratio"]["form"], columns["grade"]["form"]) == ("number", "ordered")
    assert columns["ratio"]["method"] == "passive"
    assert columns["ratio"]["expression"] == "weight / age"
    assert columns["grade"]["levels"] == ["low", "mid", "high"]
    assert columns["wave"]["levels"] == [4, 2, 1, 8]
    assert columns["day"]["dtype"].startswith("datetime64")
    assert {column["synthesized"] for column in columns.values()} == {"all"}
    assert {"conditioning", "fits", "proper", "minbucket", "cp", "missing"} <= manifest["config"].keys()
    assert {"replicant", "numpy", "pandas", "pyarrow"} == manifest["versions"].keys()
    assert len(manifest["created"]) == len("2020-01-01")


def test_the_public_manifest_does_not_depend_on_the_seed(table: Any, make_plan: Any) -> None:
    one, other = make_plan(seed=8675309), make_plan(seed=1234567)
    assert one.sequences != other.sequences
    assert release.public_manifest(one, table, PARTS) == release.public_manifest(other, table, PARTS)


def test_nothing_secret_is_in_the_public_manifest(table: Any, make_plan: Any) -> None:
    plan = make_plan()
    public = words(release.public_manifest(plan, table, PARTS))
    text = " ".join(public)
    for secret in (str(plan.seed), plan.digest, plan.digest[:8], table.digest(), table.digest()[:8]):
        assert secret not in text
    assert not {"seed", "digest", "sequences", "sequence", "tree", "trees", "input", "tasks"} & public


def test_no_cell_value_is_in_either_manifest(table: Any, make_plan: Any, real: Any) -> None:
    plan = make_plan()
    for made in (release.public_manifest, release.internal_manifest):
        found = words(made(plan, table, PARTS))
        assert not {str(value) for value in real["weight"]} & found
        assert not {str(value.date()) for value in real["day"]} & (found - {manifest_day(made, plan, table)})


def manifest_day(made: Any, plan: Any, table: Any) -> str:
    return str(made(plan, table, PARTS)["created"][:10])


def test_partly_and_not_at_all(table: Any, make_plan: Any) -> None:
    plan = make_plan(where=["age > 60"], passive={})
    columns = {c["name"]: c["synthesized"] for c in release.public_manifest(plan, table, PARTS)["columns"]}
    assert columns.pop("age") == "some"
    assert set(columns.values()) == {"none"}


def test_the_internal_manifest_has_all_of_it(table: Any, make_plan: Any) -> None:
    plan = make_plan()
    spec = {"m": 3, "where": table["age"].codes > 3}
    manifest = release.internal_manifest(plan, table, PARTS, spec=spec, source={"path": "x.csv"})
    manifest = json.loads(manifest_bytes(manifest))
    assert manifest["seed"] == 8675309
    assert manifest["digest"] == plan.digest
    assert manifest["input"] == {"path": "x.csv", "digest": table.digest(), "rows": 60, "columns": 7}
    assert manifest["sequences"] == [list(sequence) for sequence in plan.sequences]
    assert manifest["spec"] == {"m": 3, "where": "ndarray 60"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m.pop("format"),
        lambda m: m.update(format=99),
        lambda m: m.update(m=4),
        lambda m: m.update(m="3"),
        lambda m: m.pop("files"),
        lambda m: m["files"].append(m["files"][0]),
        lambda m: m["files"][0].update(path="../../etc/passwd"),
        lambda m: m["files"][0].update(path="/imputation=01/part-0.parquet"),
        lambda m: m["files"][0].update(sha256="x"),
        lambda m: m["files"][0].pop("rows"),
        lambda m: m.update(columns=[1]),
    ],
)
def test_a_damaged_manifest_is_refused(table: Any, make_plan: Any, damage: Any) -> None:
    manifest = release.public_manifest(make_plan(), table, PARTS)
    damage(manifest)
    with pytest.raises(ReleaseError, match="manifest"):
        parse_manifest(manifest_bytes(manifest))


def with_extras(table: Any, plan: Any) -> dict[str, Any]:
    sheets = [release.Copy("csv", i, 0, f"_copies/csv/imputation=0{i}/part-0.csv", 60, 1000, SHA) for i in (3, 1, 2)]
    manifest = release.public_manifest(plan, table, PARTS, sheets, "NA")
    manifest["helpers"] = [{"language": "r", "path": "_scripts/analyse.R", "bytes": 9, "sha256": SHA}]
    return manifest


def test_copies_and_helpers_are_listed_apart(table: Any, make_plan: Any) -> None:
    plain = release.public_manifest(make_plan(), table, PARTS)
    assert not {"copies", "csv_missing", "helpers"} & plain.keys()
    manifest = parse_manifest(manifest_bytes(with_extras(table, make_plan())))
    assert manifest["files"] == plain["files"]
    assert manifest["csv_missing"] == "NA"
    assert [(entry["format"], entry["imputation"]) for entry in manifest["copies"]] == [("csv", i) for i in (1, 2, 3)]
    assert len(listed(manifest)) == 7
    assert listed(manifest)["_scripts/analyse.R"]["bytes"] == 9


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m.update(copies={}),
        lambda m: m.pop("csv_missing"),
        lambda m: m["copies"].pop(),
        lambda m: m["copies"][0].update(rows=61),
        lambda m: m["copies"][0].update(format="sav"),
        lambda m: m["copies"][0].update(path="../part-0.csv"),
        lambda m: m["copies"][0].update(path="_copies/csv/imputation=01/part-0.sav"),
        lambda m: m["copies"][0].update(path="imputation=01/part-0.parquet"),
        lambda m: m.update(helpers={}),
        lambda m: m["helpers"][0].update(path="../_scripts/analyse.R"),
        lambda m: m["helpers"][0].update(path="_scripts/analyse.do"),
        lambda m: m["helpers"][0].update(language="sas", path="analyse.sas"),
        lambda m: m["helpers"][0].pop("sha256"),
        lambda m: m["helpers"].append(m["helpers"][0]),
    ],
)
def test_damaged_lists_of_copies_and_helpers_are_refused(table: Any, make_plan: Any, damage: Any) -> None:
    manifest = with_extras(table, make_plan())
    damage(manifest)
    with pytest.raises(ReleaseError, match="manifest"):
        parse_manifest(manifest_bytes(manifest))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ReleaseError, match="damaged"):
        parse_manifest(content)
