"""The two manifests: the public one lies in the release, the internal one stays with the data owner.

The public manifest says what an analyst must know: the files and their hashes, the columns, how they were made. It
holds no seed, no digest of input or plan, no order of visits that a seed decided, no model: nothing from which the
synthesis could be repeated on guessed data. The internal manifest has all of that.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from replicant.errors import ReleaseError
from replicant.release.forms import MANY_LEVELS, form_of
from replicant.storage.folder import COPIES, HELPERS
from replicant.table.codebook import ColumnSpec
from replicant.table.recode import recoding
from replicant.versions import versions

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.plan.model import Plan
    from replicant.table import Column, Table

__all__ = [
    "FORMAT",
    "Copy",
    "Helper",
    "SetFile",
    "internal_manifest",
    "listed",
    "manifest_bytes",
    "parse_manifest",
    "plain",
    "public_manifest",
]

FORMAT = 1

_FILE = re.compile(r"imputation=\d{2,}/part-\d+\.parquet")
_COPY = re.compile(rf"{COPIES}/([a-z0-9]+)/imputation=\d{{2,}}/part-\d+\.\1")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SetFile:
    """One written file of data.

    Attributes
    ----------
    imputation
        1-based.
    partition
        0-based.
    path
        Relative to the release, such as `imputation=01/part-0.parquet`.
    rows, bytes
        Rows of the file, and its size.
    sha256
        Digest of its bytes, in hex.
    """

    imputation: int
    partition: int
    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Copy:
    """One written copy of a file of data in another format.

    Attributes
    ----------
    format
        Such as `csv`: the ending of its name.
    imputation, partition
        As of the file it is a copy of.
    path
        Relative to the release, such as `_copies/csv/imputation=01/part-0.csv`.
    rows, bytes
        Rows of the file, and its size.
    sha256
        Digest of its bytes, in hex.
    """

    format: str
    imputation: int
    partition: int
    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Helper:
    """One written script for analysts.

    Attributes
    ----------
    language
        `r` or `stata`.
    path
        Relative to the release.
    bytes
        Size of the file in bytes.
    sha256
        Digest of its bytes, in hex.
    """

    language: str
    path: str
    bytes: int
    sha256: str


def public_manifest(
    plan: Plan, table: Table, files: Iterable[SetFile], copies: Iterable[Copy] = (), missing: str = ""
) -> dict[str, Any]:
    """What the release says of itself.

    Parameters
    ----------
    plan
        The plan that was carried out.
    table
        The encoded table: for names, kinds, types and level labels.
    files, copies
        The files, in any order: Parquet, and copies of it if there are any.
    missing
        The text of a missing cell of text in the CSV files.

    Returns
    -------
    dict
        JSON-able. Scripts that are made from it are entered under `helpers`, as `Helper` in a mapping.
    """
    manifest = {
        "format": FORMAT,
        "versions": versions(("replicant", "numpy", "pandas", "pyarrow")),
        "created": dt.datetime.now(dt.UTC).date().isoformat(),
        "synthetic": not plan.keeps_all,
        "m": plan.m,
        **({"r": plan.syntheses} if plan.syntheses > 1 else {}),
        "n": plan.n,
        "k": plan.k,
        "columns": [
            _public_column(table[column.name], column, table.specs.get(column.name)) for column in plan.columns
        ],
        "config": {
            "conditioning": plan.conditioning,
            "fits": plan.fits,
            "proper": plan.proper,
            "exclude_self": plan.exclude_self,
            "donors": "any" if plan.donors is None else {"distinct": plan.donors},
            "shuffle": plan.shuffle,
            "missing": plan.missing,
            "visit_sequence": plan.visit if isinstance(plan.visit, str) else list(plan.visit),
            "strata": list(plan.strata),
            "partitions": len(plan.partitions),
            "minbucket": plan.cart.minbucket,
            "minsplit": plan.cart.split_rows,
            "cp": plan.cart.cp,
            "maxdepth": plan.cart.maxdepth,
            "class_risk": plan.cart.class_risk,
            "splits": plan.cart.splits,
            "leaf_weights": plan.cart.leaf_weights,
            "min_donors": plan.cart.min_donors,
            "l_diversity": plan.cart.l_diversity,
            "dominance": plan.cart.dominance,
            "smoothing": plan.cart.smoothing,
            "rules": len(plan.rules),
        },
        "events": [event.as_dict() for event in plan.events],
        "files": _files(files),
    }
    listed_copies = [
        asdict(copy) for copy in sorted(copies, key=lambda one: (one.format, one.imputation, one.partition))
    ]
    if listed_copies:
        manifest["copies"] = listed_copies
        if any(copy["format"] == "csv" for copy in listed_copies):
            manifest["csv_missing"] = missing
    return manifest


def listed(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every file that a public manifest lists, by path: Parquet, copies, helpers."""
    entries = (*manifest["files"], *manifest.get("copies", ()), *manifest.get("helpers", ()))
    return {entry["path"]: entry for entry in entries}


def internal_manifest(
    plan: Plan,
    table: Table,
    files: Iterable[SetFile],
    *,
    spec: Any = None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the data owner keeps: everything that is needed to repeat the synthesis and to prove what it was made from.

    Parameters
    ----------
    plan, table, files
        As for `public_manifest`.
    spec
        The job or the synthesis specification: a pydantic model, a dataclass or a mapping.
    source
        Where the data came from, such as `{"path": ...}`.

    Returns
    -------
    dict
        JSON-able. Not to be shared.
    """
    names = ("replicant", "numpy", "pandas", "pyarrow", "numba", "dask", "distributed", "pydantic")
    return {
        "format": FORMAT,
        "confidential": True,
        "versions": {**versions(names), "python": platform.python_version(), "machine": platform.machine()},
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seed": plan.seed,
        "seed_given": plan.seed_given,
        "digest": plan.digest,
        "input": {"digest": table.digest(), **(source or {}), "rows": plan.n, "columns": len(plan.columns)},
        "spec": plain(spec),
        "sequences": [list(sequence) for sequence in plan.sequences],
        "partitions": [
            {"index": one.index, "rows": plan.n if one.rows is None else len(one.rows), "k": one.k}
            for one in plan.partitions
        ],
        "replaced": {
            column.name: plan.n if column.where is None else int(column.where.sum())
            for column in plan.columns
            # Of a table in random partitions, nobody has the cells that are replaced: they are not counted.
            if not column.is_kept and (column.where is None or column.where.size)
        },
        "tasks": len(plan.tasks),
        "events": [event.as_dict() for event in plan.events],
        "files": _files(files),
    }


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as a file: indented JSON in UTF-8, keys in the order given."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_manifest(content: bytes) -> dict[str, Any]:
    """A public manifest from its bytes, with its shape checked.

    Raises
    ------
    ReleaseError
        If it is no manifest, is damaged, or is of a later format.
    """
    fix = "restore the release from a copy, or write it again"
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        raise ReleaseError("The manifest is damaged: it is not JSON.", fix=fix) from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise ReleaseError("The manifest is damaged: it has no format number.", fix=fix)
    if manifest["format"] > FORMAT:
        raise ReleaseError(
            f"The manifest is of format {manifest['format']}.",
            need=f"format {FORMAT} or earlier",
            fix="read the release with a later version of replicant",
        )
    broken = _shape(manifest)
    if broken:
        raise ReleaseError(f"The manifest is damaged: {broken}.", fix=fix)
    return manifest


def _shape(manifest: dict[str, Any]) -> str:
    """What is wrong with a manifest, or an empty string."""
    if not isinstance(manifest.get("m"), int) or manifest["m"] < 1:
        return "`m` is not a positive number"
    columns, files = manifest.get("columns"), manifest.get("files")
    if not isinstance(columns, list) or not all(isinstance(c, dict) and "name" in c for c in columns):
        return "`columns` does not list named columns"
    if not isinstance(files, list) or not all(_is_part(entry, _FILE) for entry in files):
        return "`files` does not list files with path, rows, bytes and sha256"
    if len({entry["path"] for entry in files}) != len(files):
        return "a file is listed twice"
    if {entry["imputation"] for entry in files} != set(range(1, manifest["m"] + 1)):
        return f"the files are not those of {manifest['m']} imputations"
    return _shape_of_copies(manifest, files) or _shape_of_helpers(manifest.get("helpers", []))


def _shape_of_copies(manifest: dict[str, Any], files: list[dict[str, Any]]) -> str:
    copies = manifest.get("copies", [])
    if not isinstance(copies, list) or not all(_is_part(entry, _COPY) for entry in copies):
        return "`copies` does not list files with path, rows, bytes and sha256"
    if any(entry["path"].split("/")[1] != entry.get("format") for entry in copies):
        return "`copies` lists a file of another format than it says"
    if any(entry["format"] == "csv" for entry in copies) and not isinstance(manifest.get("csv_missing"), str):
        return "`csv_missing` does not give the text of a missing cell"
    keys = ("imputation", "partition", "rows")
    needed = sorted(tuple(entry[key] for key in keys) for entry in files)
    for form in {entry["format"] for entry in copies}:
        found = sorted(tuple(entry[key] for key in keys) for entry in copies if entry["format"] == form)
        if found != needed:
            return f"the copies as {form} are not those of the Parquet files"
    return ""


def _shape_of_helpers(helpers: Any) -> str:
    if not isinstance(helpers, list) or not all(_is_file(entry) for entry in helpers):
        return "`helpers` does not list files with path, bytes and sha256"
    if any(HELPERS.get(entry.get("language")) != entry["path"] for entry in helpers):
        return "`helpers` lists a file that is no helper"
    return "" if len({entry["path"] for entry in helpers}) == len(helpers) else "a helper is listed twice"


def _is_part(entry: Any, path: re.Pattern[str]) -> bool:
    return (
        _is_file(entry)
        and all(isinstance(entry.get(key), int) for key in ("imputation", "partition", "rows"))
        # A path is checked in full: one that leads out of the release must never be followed.
        and path.fullmatch(entry["path"]) is not None
    )


def _is_file(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("path"), str)
        and isinstance(entry.get("sha256"), str)
        and _SHA256.fullmatch(entry["sha256"]) is not None
    )


def _public_column(column: Column, plan: ColumnPlan, said: ColumnSpec | None) -> dict[str, Any]:
    replaced = "none" if plan.is_kept else "all" if plan.where is None else "some"
    entry: dict[str, Any] = {
        "name": column.name,
        "kind": str(column.kind),
        "form": str(form_of(column)),
        "dtype": str(column.dtype),
        "synthesized": replaced,
        "method": plan.method,
        "parametric": plan.parametric,
        "predictors": list(plan.predictors),
    }
    if plan.options:
        entry["options"] = plain(plan.options)
    if plan.inputs:
        entry["inputs"] = list(plan.inputs)
    if plan.expression is not None:
        entry["expression"] = plan.expression.text
    if column.is_categorical:
        entry["level_count"] = column.size
        if column.size <= MANY_LEVELS:
            entry["levels"] = plain(column.levels())
    else:
        entry["decimals"] = column.decimals
    if column.missing_codes:
        entry["missing_codes"] = plain(column.missing_codes)
    return entry | _said(column, said or ColumnSpec())


def _said(column: Column, said: ColumnSpec) -> dict[str, Any]:
    """What was declared of a column and is no property of its cells: real data are brought into the same form by it."""
    entry: dict[str, Any] = {}
    if said.label is not None:
        entry["label"] = said.label
    if said.source is not None:
        entry["source"] = said.source
    if said.missing_labels:
        entry["missing_labels"] = [said.missing_labels[code] for code in said.missing_codes]
    if said.recoding is not None:
        entry["recoding"] = said.recoding.as_dict()
    found = recoding(said.model_copy(update={"kind": column.kind}))
    if found is not None:
        # Pairs, since the names of a JSON object are texts and raw values often are numbers.
        entry["labels"] = [[plain(raw), plain(label)] for raw, label in found.labels.items()]
    return entry


def _files(files: Iterable[SetFile]) -> list[dict[str, Any]]:
    return [asdict(file) for file in sorted(files, key=lambda file: (file.imputation, file.partition))]


def plain(value: Any) -> Any:
    """Anything a specification may hold, as JSON: arrays of a mask become their shape."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="python")
    elif is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        # Subclasses (enums, NumPy's float64) as what they are underneath.
        kinds = (bool, int, float, str)
        bare = next((kind(value) for kind in kinds if isinstance(value, kind)), None)
        return str(bare) if isinstance(bare, float) and bare - bare != 0 else bare
    if getattr(value, "ndim", 0):
        return f"{type(value).__name__} {'x'.join(str(size) for size in value.shape)}"
    if hasattr(value, "item"):
        return plain(value.item())
    return str(value)
