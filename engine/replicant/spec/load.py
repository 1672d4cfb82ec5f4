"""A job file in, a `JobSpec` out: strict YAML, overrides, and errors that say the line and the nearest right key."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ValidationError

from replicant.errors import SpecError, nearest
from replicant.spec.dotted import put, steps
from replicant.spec.explain import explain
from replicant.spec.imputation import ImputationSpec
from replicant.spec.locations import check_locations
from replicant.spec.models import JobSpec, OutputSpec, SynthesisSpec
from replicant.storage.filesystem import is_url
from replicant.table.formats import SUFFIXES, is_table
from replicant.table.yaml_mistakes import yaml_fix, yaml_words

if TYPE_CHECKING:
    from replicant.spec.bulk import BulkJob

__all__ = [
    "check_override",
    "job_of_table",
    "load_any",
    "load_job",
    "parse_any",
    "parse_job",
    "validate_output",
    "validate_synthesis",
]

MAX_BYTES = 4_000_000
_SMALLEST = "write for example\n    input: {path: survey.csv}\n    output: {path: release}"
_DATA_SUFFIXES = frozenset(
    {".feather", ".arrow", ".orc", ".rds", ".rdata", ".json", ".jsonl", ".gz", ".bz2", ".xz", ".zst", ".zip"}
)

Position = Callable[[tuple[str | int, ...]], str]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's words: `no`, `on`, `01` and dates are texts, `1e-8` is a number."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own protocol)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key that is a list or a mapping", key_node.start_mark
                )
            line = key_node.start_mark.line + 1
            if key in lines:
                raise _DuplicateKeyError(str(key)[:60], lines[key], line)
            lines[key] = line
        return super().construct_mapping(node, deep=deep)


class _DuplicateKeyError(Exception):
    def __init__(self, key: str, first: int, second: int) -> None:
        super().__init__(key)
        self.key, self.first, self.second = key, first, second


_RESOLVERS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)\.[0-9]*)",
        "-+.0123456789",
    ),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
)
for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [c if c != "\0" else "" for c in _first]
    )


def load_job(path: str | PathLike[str], overrides: Sequence[str] = ()) -> JobSpec:
    """Read a job file; for the path of a table, the job that synthesizes it with the defaults, to `NAME-release`.

    Relative paths in it start from the working directory, not from the folder of the job file.

    Parameters
    ----------
    path
        A YAML file.
    overrides
        `KEY=VALUE` with a dotted key and a YAML value, such as `synthesis.m=2`; later ones win. `data` is short for
        `input.path`.

    Raises
    ------
    SpecError
        For anything that is wrong in it, with the line and the nearest right key.
    """
    text, source = _read_text(path)
    return parse_job(text, overrides, source=source)


def load_any(path: str | PathLike[str], overrides: Sequence[str] = ()) -> JobSpec | BulkJob:
    """The same of a file that may hold a bulk: a job with a section `bulk` is taken apart into its releases."""
    text, source = _read_text(path)
    return parse_any(text, overrides, source=source)


def job_of_table(
    *, path: str | PathLike[str] | None = None, dataset: str | None = None, overrides: Sequence[str] = ()
) -> JobSpec:
    """The job that synthesizes a table by the defaults, to `NAME-release`.

    Parameters
    ----------
    path, dataset
        A file, folder or URL, or the name of a built-in table; exactly one.
    overrides
        As for `load_job`.

    Raises
    ------
    SpecError
        An override cannot be.
    """
    given: dict[str, str | None] = {"dataset": dataset} if path is None else {"path": fspath(path)}
    return parse_job(_job_of(given), overrides)


def _job_of(given: dict[str, str | None]) -> str:
    name = str(next(iter(given.values())))
    stem = Path(name).name.partition(".")[0] or "table"
    path = f"{stem}-release"
    if "path" in given and not is_url(name) and Path.cwd().is_relative_to(folder := Path(name).expanduser().resolve()):
        # From within the folder of the data: beside it, or the release would be read as data by the next run.
        path = relpath(folder.parent / f"{folder.name or 'table'}-release")
    return yaml.safe_dump({"input": given, "output": {"path": path}}, allow_unicode=True)


def parse_job(text: str, overrides: Sequence[str] = (), *, source: str = "the job") -> JobSpec:
    """The same from a text. `source` is what the errors call it."""
    document, position = _parse(text, overrides, source)
    if "bulk" in document:
        raise SpecError(
            f"{source} holds a bulk of releases, not one job",
            need="a job without a section `bulk`",
            fix="`replicant plan` and `replicant run` take it as it is",
        )
    return _job(document, position)


def parse_any(text: str, overrides: Sequence[str] = (), *, source: str = "the job") -> JobSpec | BulkJob:
    """A job or a bulk from a text."""
    document, position = _parse(text, overrides, source)
    if "bulk" not in document:
        return _job(document, position)
    from replicant.spec.expand import expand

    return expand(document, source=source, position=position)


def _job(document: dict[str, Any], position: Position) -> JobSpec:
    with _explained(JobSpec, document, position=position):
        job = JobSpec.model_validate(document)
    check_locations(job)
    return job


def _parse(text: str, overrides: Sequence[str], source: str) -> tuple[dict[str, Any], Position]:
    """The document with its overrides, and where in the file each path of it stands."""
    document, node = read_yaml(text, source)
    if document is None and not overrides:
        raise SpecError(f"{source} is empty", need="at least the sections input and output", fix=_SMALLEST)
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SpecError(
            f"{source} is not a mapping of keys to values",
            need=f"the sections {', '.join(JobSpec.model_fields)}",
            fix=_SMALLEST,
        )
    overridden = [_override(document, override) for override in overrides]
    _refuse_unnamed(document, source)

    def position(path: tuple[str | int, ...]) -> str:
        if any(path[: len(keys)] == keys[: len(path)] for keys in overridden):
            return " (--set)"
        line = _line_of(node, path)
        return f" ({source}, line {line})" if line else f" ({source})"

    return document, position


def validate_synthesis(**settings: Any) -> SynthesisSpec:
    """Check the arguments of `synthesize`.

    Raises
    ------
    SpecError
        For a value out of bounds, or a name that is not a setting.
    """
    with _explained(SynthesisSpec, settings):
        return SynthesisSpec.model_validate(settings)


def validate_imputation(**settings: Any) -> ImputationSpec:
    """Check how missing cells are to be imputed.

    Raises
    ------
    SpecError
        For a value out of bounds, or a name that is not a setting.
    """
    with _explained(ImputationSpec, settings, "imputation"):
        return ImputationSpec.model_validate(settings)


def validate_completion(imputation: dict[str, Any], **settings: Any) -> SynthesisSpec:
    """Check the arguments of `impute`: a synthesis that draws nothing, and how the missing cells are filled.

    Raises
    ------
    SpecError
        For a value out of bounds, or a name that is not a setting.
    """
    spec = validate_imputation(**imputation)
    with _explained(SynthesisSpec, settings):
        return SynthesisSpec.completing(spec, **settings)


def validate_output(**settings: Any) -> OutputSpec:
    """Check what is to be written, and where.

    Raises
    ------
    SpecError
        For a value that is none of those known, or a name that is not a setting.
    """
    with _explained(OutputSpec, settings, "output"):
        return OutputSpec.model_validate(settings)


@contextmanager
def _explained(model: type[BaseModel], settings: dict[str, Any], *section: str, **more: Any) -> Iterator[None]:
    """What pydantic finds wrong with settings is raised as a user can act on it."""
    try:
        yield
    except ValidationError as error:
        raise explain(error, model, settings, section=section, **more) from None


def _read_text(path: str | PathLike[str]) -> tuple[str, str]:
    """The text of a job file and its name for errors. A table is taken for a job with the defaults."""
    file = Path(fspath(path))
    if is_table(file.name):
        return _job_of({"path": fspath(path)}), "the job"
    if file.suffix.lower() in _DATA_SUFFIXES:
        raise SpecError(
            f"{str(file)!r} looks like data of a kind that cannot be read, not like a job",
            need=f"a job file in YAML, or a table in a file of one of the types {', '.join(SUFFIXES)}",
            fix="store the table as Parquet or CSV",
        )
    if file.is_dir():
        return _of_folder(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        beside = [other.name for other in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
        raise SpecError(
            f"there is no job file {str(file)!r}{nearest(file.name, beside)}",
            need="a YAML file",
            fix="check the path",
        ) from None
    except OSError as error:
        raise SpecError(
            f"the job file {str(file)!r} cannot be read ({type(error).__name__})", need="a readable YAML file"
        ) from None
    if len(raw) > MAX_BYTES:
        raise SpecError(
            f"the job file {str(file)!r} is larger than {MAX_BYTES // 1_000_000} MB", need="a job file in YAML"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SpecError(
            f"{str(file)!r}, line {line}: not UTF-8 text", need="a job file in UTF-8", fix="save it as UTF-8"
        ) from None
    return text, str(file)


def _of_folder(folder: Path) -> tuple[str, str]:
    """The job of a folder of Parquet files, which is a table as well."""
    if any(folder.rglob("*.parquet")):
        name = folder.resolve().name
        job = {"input": {"path": str(folder)}, "output": {"path": f"{name}-release"}}
        return yaml.safe_dump(job, allow_unicode=True), "the job"
    inside = sorted(other.name for other in folder.iterdir() if other.suffix.lower() in {".yaml", ".yml"})
    raise SpecError(
        f"the job file {str(folder)!r} cannot be read: it is a folder, and holds no .parquet file",
        need="a job file in YAML, or a table: a file, or a folder of .parquet files",
        fix=f"name the job in it: {folder / inside[0]}" if inside else "name the file itself",
    )


def read_yaml(text: str, source: str, need: str = "a job file in YAML") -> tuple[Any, yaml.Node | None]:
    """The document of a text of YAML 1.2 and its nodes; `source` and `need` are for errors."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None and _unfolded(node, {}) > MAX_BYTES:
                raise SpecError(
                    f"{source} unfolds to more than {MAX_BYTES:,} values: its anchors repeat each other",
                    need="a job file that is what it looks like",
                    fix="write out what is meant, without anchors (&) and aliases (*)",
                )
            return (loader.construct_document(node) if node is not None else None), node
        finally:
            loader.dispose()
    except _DuplicateKeyError as error:
        raise SpecError(
            f"{source}, line {error.second}: the key {error.key!r} occurs twice (first on line {error.first})",
            need="every key once",
            fix="join the two, or take one out",
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SpecError(
            f"{source}{at}: not valid YAML: {yaml_words(error)}",
            need=need,
            fix=yaml_fix(error),
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise SpecError(f"{source}: not valid YAML ({type(error).__name__})", need=need, fix="check the text") from None


def _unfolded(node: yaml.Node, sizes: dict[int, float]) -> float:
    """The number of values of a node when all its aliases are written out; infinite if it holds itself."""
    known = sizes.get(id(node))
    if known is None:
        sizes[id(node)] = math.inf  # until it is known: a second visit comes from inside
        below = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for one in below for part in (one if isinstance(one, tuple) else (one,))]
        known = sizes[id(node)] = 1 + sum(_unfolded(part, sizes) for part in parts)
    return known


def check_override(override: str) -> None:
    """Refuse what is not `KEY=VALUE`.

    Raises
    ------
    SpecError
        If there is no equals sign, or no key.
    """
    key, sign, _ = (part.strip() for part in override.partition("="))
    shown = key[:60]
    if not sign:
        key_only = re.fullmatch(r"([\w.-]+)\s*[:\s]\s*(.*)", shown)
        said = f"{key_only[1]}={key_only[2] or 'VALUE'}" if key_only else f"{shown or 'KEY'}=VALUE"
        raise SpecError(
            f"--set {override[:60]!r} is not KEY=VALUE: it has no equals sign",
            need="a dotted key and a value, joined by = without spaces",
            fix=f"write --set {said}, such as --set synthesis.m=2",
        )
    if not key or not all(steps(key)):
        raise SpecError(
            f"--set {override[:60]!r} is not KEY=VALUE: a step of its key is empty",
            need="a dotted key and a value",
            fix="for example --set synthesis.m=2",
        )


def _override(document: dict[Any, Any], override: str) -> tuple[str, ...]:
    """Put one `KEY=VALUE` into the document; give back its path."""
    key, _, value = override.partition("=")
    keys = steps(key)
    check_override(override)
    said = key.strip()[:60]
    parsed: Any = value
    if not _is_sign(value):
        parsed, _ = read_yaml(value, f"the value of --set {said}", "a value such as 5, cart, [a, b] or {a: b}")
    put(document, keys, parsed, said=f"--set {key.strip()[:60]}")
    return keys


def _is_sign(value: str) -> bool:
    """Whether a value is a sign, such as a delimiter, or a format of dates: YAML would want these in quotes."""
    return value.startswith("%") or (len(value) == 1 and not value.isalnum() and value != "~")


def _refuse_unnamed(document: Mapping[Any, Any], source: str) -> None:
    """Keys of sections, and columns, are texts: YAML reads an unquoted 2001 as a number."""
    sections: list[tuple[str, Any]] = [("", document)]
    for name in document:
        sections.append((str(name), document[name]))
    synthesis = document.get("synthesis")
    if isinstance(synthesis, Mapping):
        sections.extend(
            (f"synthesis.{name}", synthesis[name])
            for name in ("passive", "predictors", "method", "where")
            if name in synthesis
        )
    for name, section in sections:
        if not isinstance(section, Mapping):
            continue
        for key in section:
            if not isinstance(key, str):
                raise SpecError(
                    f"{source}: a key in {name or 'the job'} is of type {type(key).__name__}",
                    need="keys that are texts",
                    fix="put the name of the column in quotes",
                )


def _line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int | None:
    """The line of a path in the file, or of the deepest part of it that is there."""
    line: int | None = None
    for step in path:
        if isinstance(node, yaml.MappingNode) and isinstance(step, str):
            for key_node, value_node in node.value:
                if key_node.value == step:
                    line, node = key_node.start_mark.line + 1, value_node
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
