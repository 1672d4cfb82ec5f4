"""Many releases from one document: a job with a section `bulk`, whose texts hold placeholders such as `{year}`.

A cell is one value for each axis. For every cell the document is copied, changed by the overrides that are for it, its
placeholders are filled in, and what comes out is a job like any other. Placeholders are looked up, never evaluated.
"""

from __future__ import annotations

import copy
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from pydantic import ValidationError

from replicant.errors import SpecError, nearest
from replicant.spec.bulk import TABLE, BulkJob, BulkRelease, BulkSpec, TableSpec
from replicant.spec.dotted import put, steps
from replicant.spec.explain import explain
from replicant.spec.locations import check_locations
from replicant.spec.models import JobSpec

__all__ = ["expand"]

MOST_RELEASES = 10_000
"""More than any office publishes at a time: what is larger is a mistake."""

_AXIS = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PATHS = (("input", "path"), ("output", "path"), ("output", "internal"))

Cell = dict[str, str]
Position = Callable[[tuple[str | int, ...]], str]


def expand(
    document: Mapping[str, Any],
    *,
    source: str = "the job",
    position: Position = lambda path: "",
    base: str | None = None,
) -> BulkJob:
    """Take a bulk apart into jobs.

    Parameters
    ----------
    document
        With a section `bulk`.
    source
        What errors call it.
    position
        The position of a path in the file.
    base
        Folder that relative paths start from; None: the working directory. The jobs have absolute paths.

    Raises
    ------
    SpecError
        If anything is wrong with the bulk, or with one of its jobs.
    """
    section = document["bulk"]
    try:
        bulk = BulkSpec.model_validate(section)
    except ValidationError as error:
        raise explain(
            error, BulkSpec, section, section=("bulk",), position=lambda path: position(("bulk", *path))
        ) from None
    if "study" in document:
        raise SpecError(
            f"the bulk holds a study{position(('study',))}",
            need="jobs that make releases",
            fix="run the study by itself",
        )
    root = os.getcwd() if base is None else base
    template = {key: value for key, value in document.items() if key != "bulk"}
    axes = bulk.axes
    cells = _cells(bulk, axes)
    known = _known(axes, cells)
    for key, axis in (("drift", bulk.drift), ("cumulate", bulk.cumulate)):
        if axis is not None and axis not in axes:
            raise SpecError(f"bulk.{key} is {axis!r}{nearest(axis, axes)}", need=f"one of {', '.join(axes)}")
    if bulk.cumulate is not None and "gate" not in document:
        raise SpecError("bulk.cumulate without a gate", need="a gate that judges releases together", fix="add gate:")
    drafts = [_draft(template, bulk, cell, known) for cell in cells]
    _check_used(axes, drafts)
    releases = []
    for cell, draft in zip(cells, drafts, strict=True):
        name = "-".join(cell.values())
        filled = _fill(draft, cell, ())
        releases.append(BulkRelease(name, cell, _job(filled, name, source, position, root)))
    _check_apart("their files", [(release.name, release.job.output.path) for release in releases])
    folder = _absolute(_folder(bulk, template), root)
    releases = [_outside(release, folder) for release in releases]
    _check_apart("their internal manifests", [(release.name, release.job.output.internal_path) for release in releases])
    return BulkJob(tuple(releases), folder, bulk.drift, bulk.cumulate, bulk.title, dict(document), root)


def _cells(bulk: BulkSpec, axes: Mapping[str, list[str]]) -> list[Cell]:
    for axis, values in axes.items():
        if not _AXIS.fullmatch(axis):
            raise SpecError(f"bulk: {axis[:60]!r} is not a name of an axis", need="a word such as year")
        twice = next((value for value, count in Counter(values).items() if count > 1), None)
        if twice is not None:
            raise SpecError(f"bulk: {axis} has {twice!r} twice", need="every value once", fix="take one out")
    count = prod(map(len, axes.values())) + len(bulk.include)
    if count > MOST_RELEASES:
        raise SpecError(f"the bulk has {count:,} releases", need=f"{MOST_RELEASES:,} or fewer", fix="cut it to several")
    cells = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    known = _known(axes, cells)
    for i, entry in enumerate(bulk.exclude):
        _check_choice(entry, known, f"bulk.exclude[{i + 1}]")
        cells = [cell for cell in cells if not _is_for(entry, cell)]
    for i, extra in enumerate(bulk.include):
        if set(extra) != set(axes):
            raise SpecError(
                f"bulk.include[{i + 1}] names {', '.join(extra) or 'no axis'}",
                need=f"one value for each of {', '.join(axes)}",
            )
        cell = {axis: extra[axis] for axis in axes}
        if cell in cells:
            raise SpecError(f"bulk.include[{i + 1}] adds a combination that is there already", fix="take it out")
        cells.append(cell)
    if not cells:
        raise SpecError("the bulk has no release: all are excluded", need="at least one")
    return cells


def _known(axes: Mapping[str, list[str]], cells: Sequence[Cell]) -> dict[str, list[str]]:
    return {axis: list(dict.fromkeys(cell[axis] for cell in cells)) for axis in axes}


def _check_choice(entry: Mapping[str, list[str]], known: Mapping[str, list[str]], said: str) -> None:
    """Refuse what names no release: it would silently do nothing."""
    if not entry:
        raise SpecError(f"{said} names no axis", need=f"values of {', '.join(known)}")
    for axis, values in entry.items():
        if axis not in known:
            raise SpecError(f"{said}: there is no axis {axis[:60]!r}{nearest(axis, known)}", need=", ".join(known))
        for value in values:
            if value not in known[axis]:
                raise SpecError(
                    f"{said}: no release has {axis} {value!r}{nearest(value, known[axis])}",
                    need=f"values of {axis} that there are",
                )


def _is_for(entry: Mapping[str, list[str]], cell: Cell) -> bool:
    return all(cell[axis] in values for axis, values in entry.items())


def _draft(template: Mapping[str, Any], bulk: BulkSpec, cell: Cell, known: Mapping[str, list[str]]) -> dict[str, Any]:
    """The document of one cell, with its placeholders."""
    draft: dict[str, Any] = copy.deepcopy(dict(template))
    for i, table in enumerate(bulk.tables or ()):
        if isinstance(table, TableSpec) and table.name == cell[TABLE]:
            _change(draft, table.set, f"bulk.tables[{i + 1}]")
    for i, override in enumerate(bulk.overrides):
        said = f"bulk.overrides[{i + 1}]"
        _check_choice(override.cells, known, f"{said}.for")
        if _is_for(override.cells, cell):
            _change(draft, override.set, said)
    return draft


def _change(draft: dict[str, Any], changes: Mapping[str, Any], said: str) -> None:
    for key, value in changes.items():
        keys = steps(key)
        if not all(keys) or keys[0] in {"bulk", "study"}:
            raise SpecError(f"{said}.set: {key[:60]!r} is not a key of a job", need="a dotted key: synthesis.minbucket")
        put(draft, keys, copy.deepcopy(value), said=f"{said}.set {key[:60]}")


def _check_used(axes: Mapping[str, Any], drafts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an axis that occurs in no path: its releases would be equal and overwrite one another."""
    texts = [str(_at(draft, path) or "") for draft in drafts for path in _PATHS]
    used = {match[1] for text in texts for match in _BRACES.finditer(text) if match[1]}
    for axis in axes:
        if axis not in used:
            raise SpecError(
                f"bulk: no path uses {{{axis}}}",
                need="every axis in input.path or output.path",
                fix=f'write it there: output: {{path: "build/{{{axis}}}"}}, or take the axis out',
            )


def _at(document: Any, path: Sequence[str]) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def _fill(value: Any, cell: Cell, path: tuple[str | int, ...]) -> Any:
    """The same with its placeholders filled in."""
    if isinstance(value, str):
        return _filled(value, cell, path)
    if isinstance(value, Mapping):
        return {key: _fill(one, cell, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, cell, (*path, i)) for i, one in enumerate(value)]
    return value


def _filled(text: str, cell: Cell, path: tuple[str | int, ...]) -> str:
    def one(match: re.Match[str]) -> str:
        whole, name = match[0], match[1]
        if whole in {"{{", "}}"}:
            return whole[0]
        if name in cell:
            return cell[name]
        where = ".".join(str(step) for step in path[:2])
        if name is None:
            raise SpecError(
                f"{where}: a brace is not closed, or not opened", fix="write {{ and }} where braces are meant"
            )
        raise SpecError(
            f"{where}: the placeholder {{{name[:60]}}} is unknown{nearest(name, cell)}",
            need=", ".join(f"{{{axis}}}" for axis in cell),
            fix="write {{ and }} where braces are meant",
        )

    return _BRACES.sub(one, text)


def _job(filled: dict[str, Any], name: str, source: str, position: Position, root: str) -> JobSpec:
    try:
        job = JobSpec.model_validate(filled)
    except ValidationError as error:
        said = explain(error, JobSpec, filled, position=position)
        raise SpecError(f"{said.found}\nin the release {name!r} of {source}", need=said.need, fix=said.fix) from None
    given = {"path": None if job.input.path is None else _absolute(job.input.path, root)}
    inner = None if job.output.internal is None else _absolute(job.output.internal, root)
    output = {"path": _absolute(job.output.path, root), "internal": inner}
    made = job.model_copy(
        update={"input": job.input.model_copy(update=given), "output": job.output.model_copy(update=output)}
    )
    check_locations(made)
    return made


def _folder(bulk: BulkSpec, template: Mapping[str, Any]) -> str:
    """`bulk.folder`, or what of `output.path` all releases share."""
    if bulk.folder is not None:
        return bulk.folder
    path = str(_at(template, ("output", "path")) or "")
    found = path.partition("{")[0].rpartition("/")[0] if "{" in path else ""
    if not found:
        raise SpecError(
            "the bulk has no folder for its index page",
            need="a folder in or below which all releases lie",
            fix="name it (bulk: {folder: build/bulk}), or put one before the first placeholder of output.path",
        )
    return found


def _outside(release: BulkRelease, folder: str) -> BulkRelease:
    """The internal manifest beside the bulk's folder, not in it: the folder is what is shared."""
    path, inner = release.job.output.path, release.job.output.internal
    if not f"{path}/".startswith(f"{folder}/") or path == folder:
        raise SpecError(
            f"the release {release.name!r} would not lie in the folder of the bulk",
            need="all releases below one folder",
            fix="change output.path, or name bulk.folder",
        )
    if inner is None:
        inner = f"{folder}-internal{path[len(folder) :]}"
    elif f"{inner}/".startswith(f"{folder}/"):
        raise SpecError(
            f"the internal manifest of {release.name!r} would lie in the folder of the bulk, which is shared",
            fix="take output.internal out, or choose another folder",
        )
    output = release.job.output.model_copy(update={"internal": inner})
    return BulkRelease(release.name, release.values, release.job.model_copy(update={"output": output}))


def _check_apart(what: str, positions: Sequence[tuple[str, str]]) -> None:
    """Refuse two releases with one name or one path, or one inside another."""
    names: set[str] = set()
    for name, _ in positions:
        if name in names:
            raise SpecError(f"two releases of the bulk are called {name!r}", fix="change the values of an axis")
        names.add(name)
    taken: dict[str, str] = {}
    for name, path in sorted(positions, key=lambda one: f"{one[1]}/"):
        above = next((one for one in _upwards(path) if one in taken), None)
        if above is not None:
            raise SpecError(
                f"the releases {taken[above]!r} and {name!r} would write {what} to one folder",
                need="a folder for each",
                fix="put every axis into output.path",
            )
        taken[path] = name


def _upwards(path: str) -> Iterator[str]:
    """A path and the folders above it."""
    while path.rstrip("/") and not path.endswith(":/"):
        yield path
        path = path.rpartition("/")[0]


def _absolute(path: str, root: str) -> str:
    return path.rstrip("/") if "://" in path else os.path.abspath(os.path.join(root, os.path.expanduser(path)))
