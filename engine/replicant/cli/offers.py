"""Completion of values while a command is typed.

Values come from cheap sources: names of files, the models of a job, the first line of a CSV file, the footer of a
Parquet file, the manifest of a release. A key press must neither wait nor show an error: if anything fails, nothing is
offered.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

__all__ = ["columns_of_release", "datasets", "jobs", "model_options", "models", "rules", "settings"]

_NAMES_COLUMNS = {"input.columns", "synthesis.strata", "synthesis.visit_sequence"}
"""Settings that are columns of the input."""

Offer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offering(find: Callable[[click.Context, str], Iterable[str | CompletionItem]]) -> Offer:
    """Offers those of the values that begin with the typed text."""

    @wraps(find)
    def offer(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            values = [one if isinstance(one, CompletionItem) else CompletionItem(one) for one in find(ctx, incomplete)]
        except Exception:
            return []
        return [one for one in values if one.type != "plain" or str(one.value).startswith(incomplete)]

    return offer


@_offering
def jobs(ctx: click.Context, incomplete: str) -> Iterator[str | CompletionItem]:
    """Job files, and folders that may hold some."""
    yield CompletionItem(incomplete, type="dir")
    folder, slash, _ = incomplete.rpartition("/")
    for path in sorted(Path(folder + slash or ".").glob("*.y*ml")):
        yield f"{folder}{slash}{path.name}"


@_offering
def settings(ctx: click.Context, incomplete: str) -> Iterator[str]:
    """Keys of a job and, after the equals sign, their values if these are words or columns."""
    from replicant.spec.schema import job_schema

    schema = job_schema()
    key, sign, typed = incomplete.partition("=")
    if not sign:
        yield "data="
        yield from (f"{name}=" for name, below in _leaves(schema, schema, "") if below)
        return
    before, comma, _ = typed.rpartition(",")
    if key in _NAMES_COLUMNS:
        # Several columns form a list, `[a,b`.
        opened = "" if typed.startswith("[") or key == "synthesis.strata" else "["
        beginning = before + comma if comma else ("[" if typed.startswith("[") else opened)
        yield from (f"{key}={beginning}{name}" for name in _columns_of_job(_argument(ctx, "job")))
        return
    found = dict(_leaves(schema, schema, "")).get(key)
    yield from (f"{key}={word}" for word in _words(schema, found or {}))


@_offering
def columns_of_release(ctx: click.Context, incomplete: str) -> Iterator[str]:
    """Columns by the manifest of the release."""
    yield from _columns_of_release(ctx)


@_offering
def models(ctx: click.Context, incomplete: str) -> Iterable[str]:
    """Names of models."""
    from replicant.estimate.borrowed import BORROWED
    from replicant.estimate.fit import FITTERS

    return (*FITTERS, *BORROWED)


@_offering
def model_options(ctx: click.Context, incomplete: str) -> Iterator[str]:
    """Options of the model and, after the equals sign, columns or words."""
    from replicant.estimate.borrowed import BORROWED
    from replicant.estimate.fit import FITTERS, OPTIONS

    model = str(ctx.params.get("model") or "ols")
    key, sign, _ = incomplete.partition("=")
    if not sign:
        known = BORROWED[model].options if model in BORROWED else OPTIONS[model] if model in FITTERS else ()
        yield from (f"{name}=" for name in known)
        return
    option = BORROWED[model].options[key]
    if option.kind in {"column", "event", "group"}:
        yield from (f"{key}={name}" for name in _columns_of_release(ctx))
    yield from (f"{key}={word}" for word in option.words or (("true", "false") if option.kind == "whether" else ()))


@_offering
def rules(ctx: click.Context, incomplete: str) -> Iterable[str]:
    """Names of combining rules."""
    from replicant.pool import RULES

    return ["auto", *RULES]


@_offering
def datasets(ctx: click.Context, incomplete: str) -> Iterator[str]:
    """Names of built-in tables."""
    from importlib.util import find_spec

    package = find_spec("statsmodels")
    for folder in (package.submodule_search_locations or ()) if package else ():
        yield from sorted(path.parent.name for path in Path(folder, "datasets").glob("*/data.py"))


def _columns_of_release(ctx: click.Context) -> Iterator[str]:
    from replicant.storage.folder import MANIFEST

    manifest = json.loads((Path(_argument(ctx, "release")) / MANIFEST).read_text(encoding="utf-8"))
    yield from (column["name"] for column in manifest["columns"])


def _argument(ctx: click.Context, name: str) -> str:
    """The typed argument; while an option before it waits for its value, click leaves it unread."""
    return str(ctx.params.get(name) or next(word for word in ctx.args if not word.startswith("-")))


def _leaves(schema: dict[str, Any], at: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted keys of a job with their schemas, without the sections themselves, unless a word may replace these."""
    for name, said in at.get("properties", {}).items():
        sections = [one for one in _branches(schema, said) if "properties" in one]
        if sections and not any(_words(schema, said)):
            yield from _leaves(schema, sections[0], f"{prefix}{name}.")
        elif f"{prefix}{name}" != "columns":
            yield f"{prefix}{name}", said


def _branches(schema: dict[str, Any], said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in said:
        yield from _branches(schema, schema["$defs"][said["$ref"].rpartition("/")[2]])
    for branch in said.get("anyOf", ()):
        yield from _branches(schema, branch)
    yield said


def _words(schema: dict[str, Any], said: dict[str, Any]) -> Iterator[str]:
    for branch in _branches(schema, said):
        yield from (str(word) for word in branch.get("enum", ()))
        if "const" in branch:
            yield str(branch["const"])
        if branch.get("type") == "boolean":
            yield from ("true", "false")


def _columns_of_job(job: str) -> list[str]:
    """The columns of a job's input, if that is a file on this machine."""
    import yaml

    path = Path(yaml.safe_load(Path(job).read_text(encoding="utf-8"))["input"]["path"])
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file))
    import pyarrow.parquet as pq

    if path.is_dir():
        path = next(iter(sorted(path.rglob("*.parquet"))))
    return list(pq.read_schema(path).names)
