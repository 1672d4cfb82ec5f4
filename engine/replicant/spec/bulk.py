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
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from replicant.errors import SpecError, nearest
from replicant.spec.document import Document, Whole, given
from replicant.spec.dotted import put, steps
from replicant.spec.explain import explain
from replicant.spec.models import JobSpec
from replicant.spec.places import check_places

__all__ = ["BulkDocument", "BulkJob", "BulkRelease", "BulkSpec", "Override", "Range", "TableSpec", "expand"]

MOST_RELEASES = 10_000
"""More than any office publishes at a time: what is larger is a mistake."""

_AXIS = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_VALUE = re.compile(r"\w[\w .+-]{0,98}(?<![ .])")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TABLE = "table"
_PATHS = (("input", "path"), ("output", "path"), ("output", "internal"))

Cell = dict[str, str]
Place = Callable[[tuple[str | int, ...]], str]


def _text(value: object) -> object:
    """A whole number or a word as the part of a path that it will be."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("a whole number or a text is needed")
    if not _VALUE.fullmatch(str(value)):
        raise ValueError("a text that can be part of a file name (letters, digits, _ - + . and spaces) is needed")
    return str(value)


def _listed(value: object) -> object:
    return [value] if isinstance(value, (int, str)) else value


_Written = Annotated[int, Field(ge=0)] | str
Value = Annotated[str, BeforeValidator(_text, json_schema_input_type=_Written)]
Values = Annotated[
    list[Value], BeforeValidator(_listed, json_schema_input_type=_Written | list[_Written]), Field(min_length=1)
]


class Range(Document):
    """Whole numbers from the first to the last, both counted in.

    Attributes
    ----------
    first, last
        The ends.
    step
        From one to the next.
    """

    first: Whole
    last: Whole
    step: Annotated[Whole, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _rises(self) -> Range:
        if not self.first <= self.last:
            raise ValueError("a last number that is not below the first is needed")
        return self

    @property
    def values(self) -> list[str]:
        """The numbers as texts."""
        return [str(number) for number in range(self.first, self.last + 1, self.step)]


class TableSpec(Document):
    """One of a list of tables.

    Attributes
    ----------
    name
        What stands for `{table}`.
    set
        Dotted keys of the job in which this table differs from the others.
    """

    name: Value
    set: dict[str, Any] = Field(default_factory=dict)


class Override(Document):
    """What is different in some releases.

    Attributes
    ----------
    cells
        (`for`) the values, or lists of them, of one or more axes.
    set
        Dotted keys of the job and their values.
    """

    cells: dict[str, Values] = Field(alias="for")
    set: dict[str, Any]


class BulkSpec(Document):
    """Which releases a bulk has.

    Attributes
    ----------
    matrix
        Axes and their values, a list or a range of whole numbers: every combination is a release.
    tables
        Instead of it a list of tables, each a name or a name with the keys in which it differs; the axis is `table`.
    include
        More cells, each with a value for every axis.
    exclude
        Cells to leave out, by the values of one or more axes.
    overrides
        What is different in some releases.
    folder
        Where the index page goes, and in or below which all releases lie; by default the folders of `output.path` that
        stand before its first placeholder.
    drift
        An axis along which each release is compared with the one before it.
    title
        Of the index page.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [given("matrix"), given("tables")]})

    matrix: Annotated[dict[str, Annotated[list[Value], Field(min_length=1)] | Range], Field(min_length=1)] | None = None
    tables: Annotated[list[str | TableSpec], Field(min_length=1)] | None = None
    include: list[dict[str, Value]] = Field(default_factory=list)
    exclude: list[dict[str, Values]] = Field(default_factory=list)
    overrides: list[Override] = Field(default_factory=list)
    folder: str | None = None
    drift: str | None = None
    title: str | None = None

    @field_validator("tables")
    @classmethod
    def _names_are_values(cls, value: list[str | TableSpec] | None) -> list[str | TableSpec] | None:
        for one in value or ():
            _text(one if isinstance(one, str) else one.name)
        return value

    @model_validator(mode="after")
    def _one_list(self) -> BulkSpec:
        if (self.matrix is None) == (self.tables is None):
            raise ValueError("exactly one of matrix and tables is needed")
        return self

    @property
    def axes(self) -> dict[str, list[str]]:
        """The values of every axis, in the order given."""
        if self.matrix is not None:
            return {name: one.values if isinstance(one, Range) else one for name, one in self.matrix.items()}
        return {_TABLE: [one if isinstance(one, str) else one.name for one in self.tables or ()]}


class BulkDocument(JobSpec):
    """The whole document, as an editor sees it: a job, and what makes many of it.

    Attributes
    ----------
    bulk
        Many releases from this document, whose texts hold placeholders such as `{year}`.
    """

    bulk: BulkSpec


@dataclass(frozen=True)
class BulkRelease:
    """One release of a bulk.

    Attributes
    ----------
    name
        Its values, joined by hyphens: no other release of the bulk has it.
    values
        By axis.
    job
        What makes it. Its seed is that of the bulk.
    """

    name: str
    values: Mapping[str, str]
    job: JobSpec


@dataclass(frozen=True)
class BulkJob:
    """A bulk, taken apart.

    Attributes
    ----------
    releases
        In the order of the axes.
    folder
        Where the index page goes.
    drift
        The axis along which releases are compared, if any.
    title
        Of the index page, if any.
    document, base
        What it was made of, and the folder that relative paths start from.
    """

    releases: tuple[BulkRelease, ...]
    folder: str
    drift: str | None
    title: str | None
    document: Mapping[str, Any]
    base: str

    @property
    def internal(self) -> str:
        """The folder of what is not to be shared: index with reasons, and internal manifests."""
        return f"{self.folder}-internal"

    @property
    def neighbours(self) -> tuple[tuple[BulkRelease, BulkRelease], ...]:
        """Pairs of releases that are next to each other on the axis of `drift` and equal on the others."""
        if self.drift is None:
            return ()
        lines: dict[tuple[str, ...], list[BulkRelease]] = {}
        for release in self.releases:
            rest = tuple(value for axis, value in release.values.items() if axis != self.drift)
            lines.setdefault(rest, []).append(release)
        order = _order([release.values[self.drift] for release in self.releases])
        pairs = []
        for line in lines.values():
            line.sort(key=lambda release: order[release.values[str(self.drift)]])
            pairs += list(pairwise(line))
        return tuple(pairs)


def _order(values: Sequence[str]) -> dict[str, int]:
    """Numbers by their size, words as they come."""
    known = list(dict.fromkeys(values))
    if all(re.fullmatch(r"-?\d+", value) for value in known):
        known.sort(key=int)
    return {value: i for i, value in enumerate(known)}


def expand(
    document: Mapping[str, Any],
    *,
    source: str = "the job",
    place: Place = lambda path: "",
    base: str | None = None,
) -> BulkJob:
    """Take a bulk apart into jobs.

    Parameters
    ----------
    document
        With a section `bulk`.
    source
        What errors call it.
    place
        The place of a path in the file.
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
        raise explain(error, BulkSpec, section, section=("bulk",), place=lambda path: place(("bulk", *path))) from None
    if "study" in document:
        raise SpecError(f"a study in a bulk{place(('study',))}", need="a bulk makes releases", fix="run it by itself")
    root = os.getcwd() if base is None else base
    template = {key: value for key, value in document.items() if key != "bulk"}
    axes = bulk.axes
    cells = _cells(bulk, axes)
    known = _known(axes, cells)
    if bulk.drift is not None and bulk.drift not in axes:
        raise SpecError(f"bulk.drift is {bulk.drift!r}{nearest(bulk.drift, axes)}", need=f"one of {', '.join(axes)}")
    drafts = [_draft(template, bulk, cell, known) for cell in cells]
    _check_used(axes, drafts)
    releases = []
    for cell, draft in zip(cells, drafts, strict=True):
        name = "-".join(cell.values())
        filled = _fill(draft, cell, ())
        releases.append(BulkRelease(name, cell, _job(filled, name, source, place, root)))
    _check_apart("their files", [(release.name, release.job.output.path) for release in releases])
    folder = _absolute(_folder(bulk, template), root)
    releases = [_outside(release, folder) for release in releases]
    _check_apart("their internal manifests", [(release.name, release.job.output.internal_path) for release in releases])
    return BulkJob(tuple(releases), folder, bulk.drift, bulk.title, dict(document), root)


def _cells(bulk: BulkSpec, axes: Mapping[str, list[str]]) -> list[Cell]:
    for axis, values in axes.items():
        if not _AXIS.fullmatch(axis):
            raise SpecError(f"bulk: {axis[:60]!r} is no name of an axis", need="a word such as year")
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
            raise SpecError(f"bulk.include[{i + 1}] is there already", fix="take it out")
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
            raise SpecError(f"{said}: unknown axis {axis[:60]!r}{nearest(axis, known)}", need=", ".join(known))
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
        if isinstance(table, TableSpec) and table.name == cell[_TABLE]:
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
            raise SpecError(f"{said}.set: {key[:60]!r} is no key of a job", need="a dotted key: synthesis.minbucket")
        put(draft, keys, copy.deepcopy(value), said=f"{said}.set {key[:60]}")


def _check_used(axes: Mapping[str, Any], drafts: Sequence[Mapping[str, Any]]) -> None:
    """An axis that is in no path makes equal releases in one place, or was forgotten."""
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
            raise SpecError(f"{where}: a brace without its other half", fix="write {{ and }} where braces are meant")
        raise SpecError(
            f"{where}: unknown placeholder {{{name[:60]}}}{nearest(name, cell)}",
            need=", ".join(f"{{{axis}}}" for axis in cell),
            fix="write {{ and }} where braces are meant",
        )

    return _BRACES.sub(one, text)


def _job(filled: dict[str, Any], name: str, source: str, place: Place, root: str) -> JobSpec:
    try:
        job = JobSpec.model_validate(filled)
    except ValidationError as error:
        said = explain(error, JobSpec, filled, place=place)
        raise SpecError(f"{said.found}\nin the release {name!r} of {source}", need=said.need, fix=said.fix) from None
    given = {"path": None if job.input.path is None else _absolute(job.input.path, root)}
    inner = None if job.output.internal is None else _absolute(job.output.internal, root)
    output = {"path": _absolute(job.output.path, root), "internal": inner}
    made = job.model_copy(
        update={"input": job.input.model_copy(update=given), "output": job.output.model_copy(update=output)}
    )
    check_places(made)
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
            fix="say it (bulk: {folder: build/bulk}), or put one before the first placeholder of output.path",
        )
    return found


def _outside(release: BulkRelease, folder: str) -> BulkRelease:
    """The internal manifest beside the bulk's folder, not in it: the folder is what is shared."""
    path, inner = release.job.output.path, release.job.output.internal
    if not f"{path}/".startswith(f"{folder}/") or path == folder:
        raise SpecError(
            f"the release {release.name!r} would not lie in the folder of the bulk",
            need="all releases below one folder",
            fix="change output.path, or say bulk.folder",
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


def _check_apart(what: str, places: Sequence[tuple[str, str]]) -> None:
    """Refuse two releases of one name, in one place, or one inside another."""
    names: set[str] = set()
    for name, _ in places:
        if name in names:
            raise SpecError(f"two releases of the bulk are called {name!r}", fix="change the values of an axis")
        names.add(name)
    taken: dict[str, str] = {}
    for name, path in sorted(places, key=lambda one: f"{one[1]}/"):
        above = next((one for one in _upwards(path) if one in taken), None)
        if above is not None:
            raise SpecError(
                f"the releases {taken[above]!r} and {name!r} would write {what} to one place",
                need="a place for each",
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
