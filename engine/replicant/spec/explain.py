"""Pydantic's findings in our own words: the dotted path, what was found, what is needed, and the nearest right key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from replicant.errors import SpecError, nearest
from replicant.spec.synonyms import instead, key_instead
from replicant.table.kinds import Kind, kind_instead

__all__ = ["explain", "found"]

Path = tuple[str | int, ...]

_SHOWN_ERRORS = 5
_SHOWN_TEXT = 60

# Sections whose values describe the data rather than the run: what stands there is never repeated in a message.
_CONFIDENTIAL = ("columns",)

_NEEDED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def explain(
    error: ValidationError,
    model: type[BaseModel],
    document: object,
    *,
    section: Path = (),
    position: Callable[[Path], str] = lambda path: "",
) -> SpecError:
    """Turn pydantic's error into a `SpecError`.

    Parameters
    ----------
    error
        What pydantic found.
    model, document
        The model it validated against, and the document it validated.
    section
        Where the document stands in the whole job, such as `("synthesis",)`.
    position
        The position of a path in the file, such as `", line 4"`.
    """
    problems: dict[Path, str] = {}
    needs: dict[Path, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=True, include_input=False):
        # A union reports each branch under its own tag; the path into the document is what they share.
        path = _document_path(problem["loc"], document)
        problems.setdefault(path, problem["type"])
        wanted = _needed(problem["type"], problem.get("ctx", {}))
        if wanted and wanted not in needs.setdefault(path, []):
            needs[path].append(wanted)
    # A union reports both a list and what is wrong inside it; the inner one says more.
    inner = {path[:i] for path in problems for i in range(len(path))}
    problems = {path: kind for path, kind in problems.items() if path not in inner or kind == "extra_forbidden"}
    # Unknown keys first: they often are the missing ones, misspelt.
    problems = dict(sorted(problems.items(), key=lambda item: item[1] != "extra_forbidden"))
    lines: list[str] = []
    first_need: str | None = None
    first_fix: str | None = None
    for path, kind in list(problems.items())[:_SHOWN_ERRORS]:
        dotted = _dotted((*section, *path))
        need: str | None = None
        fix: str | None = None
        if kind == "extra_forbidden":
            line, need, fix = _unknown_key(path, model, section)
        elif kind == "missing":
            if any(f"did you mean {dotted!r}" in line for line in lines):
                continue
            example = _EXAMPLES.get(tuple(dotted.split(".")), "").removeprefix("write ")
            line, fix = f"{dotted} is missing", f"add {example or dotted}"
        else:
            need = _either(needs.get(path, []))
            value = _at(document, path)
            fix = _example((*section, *path), kind, value)
            if value is None and position(path) == " (--set)":
                fix = f"write a value after the equals sign: --set {dotted}=VALUE"
            line = f"{dotted}: found {found(value, hide=_hidden((*section, *path)))}"
            if isinstance(value, str) and kind in {"literal_error", "enum"}:
                fix = _instead((*section, *path), value) or fix
                if fix is None:
                    line += nearest(value, str(need).replace("'", "").replace(" or ", ", ").split(", "))
        where = position(path)
        lines.append(f"{line}{where}" if need is None or len(problems) == 1 else f"{line}{where} (needed: {need})")
        first_need, first_fix = (first_need or need), (first_fix or fix)
    if len(problems) > _SHOWN_ERRORS:
        lines.append(f"... and {len(problems) - _SHOWN_ERRORS} more")
    return SpecError("\n".join(lines), need=first_need if len(problems) == 1 else None, fix=first_fix)


_EXAMPLES = {
    ("input",): "write input: {path: survey.csv}",
    ("output",): "write output: {path: release}",
    ("synthesis",): "write synthesis: {m: 5, seed: 1}",
    ("columns",): "write columns: {educ: {kind: ordered}}; input.columns says which columns are used",
    ("study",): "write study: {replicates: 100, estimands: [...]}",
    ("synthesis", "passive"): 'write passive: {bmi: "wgt / (hgt / 100)**2"}',
    ("synthesis", "predictors"): "write predictors: {educ: [age, sex]}",
    ("synthesis", "method"): "write method: cart, or method: {educ: sample}",
}
_COLUMN_EXAMPLES = {
    "levels": "write a list: levels: [low, middle, high]",
    "labels": "write a mapping of raw values: labels: {1: low, 2: high}",
    "missing_codes": "write a list: missing_codes: [-8, -9]",
    "spike": "write a list: spike: [0]",
}


def _example(path: Path, kind: str, value: object) -> str | None:
    """How it is written, where a part of the job has another shape than it needs, or a null stands among values."""
    in_column = len(path) > 2 and path[0] == "columns"
    key = str(path[2]) if in_column else ""
    if value is None and key in {"levels", "labels", "missing_codes"} and kind not in _SHAPES:
        return 'a value that is called null goes in quotes ("null"); an empty entry is taken out'
    if value is None and path and isinstance(path[-1], int):
        return "take the empty entry out; a column that is called null goes in quotes"
    if isinstance(value, str) and re.match(r"[A-Za-z_]+:\S", value) and kind in _SHAPES:
        return "write a space after the colon"
    if isinstance(value, str) and not in_column and re.fullmatch(r"-?\d+(\.\d+)?", value) and kind not in _SHAPES:
        return f"write it without quotes: {value}"
    if kind not in _SHAPES:
        return None
    if in_column:
        return _COLUMN_EXAMPLES.get(key)
    if len(path) == 2 and path[0] == "columns":
        said = value if value in list(Kind) else Kind.NOMINAL  # anything else may be a cell
        return f"write {path[1]}: {{kind: {said}}}"
    return _EXAMPLES.get(tuple(str(step) for step in path))


_SHAPES = {"list_type", "dict_type", "model_type", "model_attributes_type"}


def _instead(path: Path, word: str) -> str | None:
    """What to write for a word that is none of a setting's, but known elsewhere."""
    key = str(path[-1]) if path else ""
    return kind_instead(word) if key == "kind" else instead(key, word)


def found(value: object, *, hide: bool = False) -> str:
    """A value in words: settings are repeated, data are not."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool) and not hide:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return "a number" if hide else f"{value!r}"[:_SHOWN_TEXT]
    if isinstance(value, str):
        return "a text" if hide or len(value) > _SHOWN_TEXT else f"the text {value!r}"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"a value of type {type(value).__name__}"


def _either(needs: Sequence[str]) -> str | None:
    """What is needed, of several kinds any; a whole number is a number."""
    kinds = [need for need in needs if not (need == "a whole number" and "a number" in needs)]
    return " or ".join(kinds) or None


def _needed(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind in _NEEDED:
        return _NEEDED[kind]
    if kind == "value_error":
        text = str(context.get("error", ""))
        return text.removesuffix(" is needed") or None
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "below"),
    }
    if kind in bounds:
        key, words = bounds[kind]
        limit = context.get(key)
        return f"{words} {'2**128' if limit == 2**128 else limit}"
    if kind in {"literal_error", "enum"}:
        return str(context.get("expected", "")) or None
    return None


def _unknown_key(path: Path, model: type[BaseModel], section: Path) -> tuple[str, str | None, str | None]:
    *parents, last = path
    key = str(last)[:_SHOWN_TEXT]
    prefix = _dotted((*section, *parents))
    dotted = f"{prefix}.{key}" if prefix else key
    here = _fields(_model_at(model, parents))
    match = get_close_matches(key.lower(), here, n=1, cutoff=0.65)
    right = ""
    known = key_instead(_section((*section, *parents)), key)
    if known in here:
        match = [str(known)]
    if match:
        right = f"{prefix}.{match[0]}" if prefix else match[0]
    else:  # perhaps the right key in the wrong section
        everywhere = {_dotted((*section, *at)): at[-1] for at in _all_paths(model)}
        words = get_close_matches(key.lower(), [str(name) for name in everywhere.values()], n=1, cutoff=0.75)
        right = next((at for at, name in everywhere.items() if words and name == words[0]), "")
    line = f"unknown key {dotted!r}" + (f", did you mean {right!r}?" if right else "")
    need = f"one of {', '.join(here)}" if here else None
    if ":" in key:
        return line, need, "write a space after the colon"
    return line, need, (f"write {right!r}" if right else "take it out")


def _section(path: Path) -> str:
    """What `key_instead` calls the section at a path; another word where it knows none."""
    if path[:1] == ("columns",):
        return "columns" if len(path) == 2 else "values"
    return ".".join(str(step) for step in path)


def _document_path(location: Sequence[str | int], document: object) -> Path:
    """The part of pydantic's location that leads into the document; the rest names union branches."""
    path: list[str | int] = []
    current = document
    for step in location:
        if isinstance(current, Mapping):
            if step not in current:
                # A missing or unknown key ends the path; a union's tag is skipped.
                if isinstance(step, str) and step.isidentifier() and step not in _TAGS:
                    path.append(step)
                continue
            current = current[step]
            path.append(step)
        elif isinstance(current, (list, tuple)) and isinstance(step, int) and step < len(current):
            current = current[step]
            path.append(step)
    return tuple(path)


_TAGS = {"str", "int", "float", "bool", "DistinctDonors"}


def _at(document: object, path: Path) -> object:
    current = document
    for step in path:
        try:
            current = current[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return current


def _hidden(path: Path) -> bool:
    return bool(path) and path[0] in _CONFIDENTIAL and path[-1] != "kind"


def _dotted(path: Iterable[str | int]) -> str:
    text = ""
    steps = list(path)
    if steps and steps[0] in _CONFIDENTIAL:
        steps = steps[:3]  # below a column's key stand levels and raw values
    for step in steps:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{str(step)[:_SHOWN_TEXT]}"
    return text.removeprefix(".")


def _fields(model: type[BaseModel] | None) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()] if model is not None else []


def _model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that describes a path of the document."""
    current: type[BaseModel] | None = model
    open_mapping = False
    for step in path:
        if open_mapping:  # the name of a column, or a position in a list: any key
            open_mapping = False
            continue
        if current is None or step not in current.model_fields:
            return None
        annotation = current.model_fields[str(step)].annotation
        current, open_mapping = _submodel(annotation)
    return current


def _submodel(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument, get_origin(annotation) in {dict, list}  # else it is a section that may be left out
    return None, False


@cache
def _all_paths(model: type[BaseModel]) -> tuple[Path, ...]:
    return tuple(_walk(model, ()))


def _walk(model: type[BaseModel], prefix: Path) -> Iterator[Path]:
    for name, info in model.model_fields.items():
        yield (*prefix, name)
        inner, open_mapping = _submodel(info.annotation)
        if inner is not None and not open_mapping:
            yield from _walk(inner, (*prefix, name))
