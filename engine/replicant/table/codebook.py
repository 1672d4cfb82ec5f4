"""The codebook: the declaration of each column, as a document to print, edit and use."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replicant.errors import SpecError, nearest
from replicant.table.coarsening import Coarsening
from replicant.table.kinds import Kind, kind_instead
from replicant.table.yaml_mistakes import yaml_fix, yaml_words

__all__ = ["Code", "Codebook", "ColumnSpec", "Label", "as_spec", "as_specs", "declared"]

Label: TypeAlias = str | int | float | bool

Code: TypeAlias = int | float | str
"""A value that means a kind of missing."""

_MANY = 1000
"""Sorted levels beyond this number are not written out: they are found again in the data."""

_SHOWN = 8
"""Levels in the view of a notebook."""

_HEADER = """\
# Codebook: a declaration of each column. Edit it, then put it under `columns:` in a job or pass it as `columns=`.
# kind: continuous | count | ordered | nominal | binary | date | identifier.  levels: in their order.
"""


class ColumnSpec(BaseModel):
    """What a user may say about one column; whatever is left out is inferred from the data."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Kind | None = Field(None, description="continuous, count, ordered, nominal, binary, date or identifier")
    label: str | None = Field(None, description="what the column is, in words: the variable label of SPSS and Stata")
    levels: list[Label] | None = Field(None, description="levels of a categorical column, in their order")
    labels: dict[Label, Label] | None = Field(
        None, description="recoding: raw value to label; several raw values may share a label"
    )
    source: str | None = Field(None, description="raw column this one is made from (default: of the same name)")
    missing_codes: list[Code] | dict[Code, str] = Field(
        default_factory=list,
        description="values that mean a kind of missing, such as -8, of numbers and of levels alike; a mapping says "
        "what each means: {-8: refused, -9: not known}",
    )
    spike: list[int | float] = Field(
        default_factory=list, description="values with a heap of their own, such as 0, kept apart from the numbers"
    )
    decimals: int | None = Field(None, ge=0, le=15, description="digits after the point")
    recoding: Coarsening | None = Field(
        None, description="how its values are recoded, as a release says: {top_coding: 200000, rounding: 100}"
    )

    @property
    def missing_labels(self) -> dict[Code, str]:
        """What the coded missing values mean, where that was said."""
        return dict(self.missing_codes) if isinstance(self.missing_codes, dict) else {}


def declared(name: str, codebook: Mapping[str, ColumnSpec]) -> ColumnSpec:
    """What a codebook says of a column of a file, or of the only one that is made from it."""
    made = [spec for other, spec in codebook.items() if (spec.source or other) == name]
    return made[0] if len(made) == 1 else codebook.get(name, ColumnSpec())


def as_spec(name: str, given: ColumnSpec | Mapping[str, Any] | None) -> ColumnSpec:
    """What was said about a column as a `ColumnSpec`.

    Raises
    ------
    SpecError
        A key or a value in it is not known.
    """
    if isinstance(given, ColumnSpec):
        return given
    if given is None:
        return ColumnSpec()
    if not isinstance(given, Mapping):
        raise SpecError(
            f"columns.{name} is a {type(given).__name__}",
            need=f"a mapping with any of the keys {', '.join(ColumnSpec.model_fields)}",
            fix=f"write for example {name}: {{kind: nominal}}",
        )
    try:
        return ColumnSpec.model_validate(dict(given))
    except ValidationError as error:
        raise _explain(name, given, error) from None


def as_specs(columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None) -> dict[str, ColumnSpec]:
    """What was said about columns, by name.

    Raises
    ------
    SpecError
        It is not a mapping, or a key or a value in it is not known.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise SpecError(
            f"columns is a {type(columns).__name__}",
            need="a mapping of column name to what is declared for the column",
            fix="write for example columns={'educ': {'kind': 'ordered'}}; to use some columns only, select them before",
        )
    return {name: as_spec(name, given) for name, given in (columns or {}).items()}


def _explain(name: str, given: Mapping[str, Any], error: ValidationError) -> SpecError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    key = path[0] if path else ""
    known = list(ColumnSpec.model_fields)
    where = f"columns.{name}.{key}"
    if first["type"] == "extra_forbidden":
        return SpecError(f"{where} is not a key of a column{nearest(key, known)}", need=f"one of {', '.join(known)}")
    if key == "kind":
        said = given.get("kind")
        fix = kind_instead(said)
        near = nearest(said, Kind) if isinstance(said, str) and fix is None else ""
        return SpecError(
            f"{where} is {said!r}, which is not a kind{near}" if isinstance(said, str) else f"{where} is not a kind",
            need="one of " + ", ".join(Kind),
            fix=fix,
        )
    need = ColumnSpec.model_fields[key].description if key else None
    said = given.get(key)
    values = (
        [*said, *said.values()] if isinstance(said, Mapping) else said if isinstance(said, list | tuple) else [said]
    )
    if any(value is None for value in values):
        return SpecError(
            f"{where} is null instead of a value",
            need=need,
            fix='a value that is called null goes in quotes ("null"); an empty entry is taken out',
        )
    return SpecError(
        f"{where} is not valid", need=need, fix="see the codebook that `replicant inspect DATA --codebook` prints"
    )


class Codebook(Mapping[str, ColumnSpec]):
    """Specs of all columns of a table, in the table's order.

    Printing it gives a YAML document; `from_yaml` reads it back after an edit, and `encode_table(frame, codebook)`
    then gives the same table (with the kinds declared instead of inferred).
    """

    def __init__(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]]) -> None:
        self._columns = {name: as_spec(name, spec) for name, spec in columns.items()}

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Codebook:
        """The codebook of a release, by its public manifest.

        Its levels, labels and missing codes are those of the released columns. Raw values are recoded by it too: the
        labels are listed with their raw values.
        """
        return cls({str(entry["name"]): _of_entry(entry) for entry in manifest.get("columns", ())})

    def __getitem__(self, name: str) -> ColumnSpec:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __str__(self) -> str:
        return self.to_yaml()

    def __repr__(self) -> str:
        return f"<Codebook of {len(self)} columns>"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, rows

        keys = [key for key in ColumnSpec.model_fields if any(_said(spec, key) for spec in self.values())]
        body = [(name, *(_said(spec, key) for key in keys)) for name, spec in self.items()]
        long = {i for i, key in enumerate(keys, 1) if key in {"levels", "labels"}}
        facts = f"{len(self)} columns; print it for a document to edit"
        return fragment("Codebook", facts, rows(("column", *(key.replace("_", " ") for key in keys)), body, long=long))

    def to_yaml(self) -> str:
        """The codebook as a YAML document."""
        lines = [_HEADER]
        for name, spec in self._columns.items():
            # Not as JSON: there all keys are texts, and the code 1 is not the text "1".
            body = spec.model_dump(exclude_none=True)
            if spec.recoding is not None:
                body["recoding"] = spec.recoding.as_dict()
            body = {key: value for key, value in body.items() if value not in ([], {})}
            if spec.kind is not None:
                body["kind"] = str(spec.kind)
            note = ""
            if spec.kind is Kind.NOMINAL and spec.labels is None and len(spec.levels or []) > _MANY:
                note = f"  # {len(body.pop('levels'))} levels, not listed\n"
            lines.append(
                yaml.safe_dump({name: body}, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
            )
            lines.append(note)
        return "".join(lines)

    @classmethod
    def from_yaml(cls, text: str) -> Codebook:
        """Read a codebook back.

        Parameters
        ----------
        text
            A YAML mapping of column name to spec, or a mapping with the one key `columns` that holds this.

        Raises
        ------
        SpecError
            It is not YAML, not a mapping, names a column twice, or a spec is wrong.
        """
        try:
            found = _Loader(text).get_single_data()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            raise SpecError(f"the codebook is not valid YAML{line}: {yaml_words(error)}", fix=yaml_fix(error)) from None
        except yaml.YAMLError:
            raise SpecError("the codebook is not valid YAML", fix="save it as UTF-8 text") from None
        if isinstance(found, dict) and set(found) == {"columns"}:
            found = found["columns"]
        if not isinstance(found, dict):
            raise SpecError(
                f"the codebook is a {type(found).__name__}",
                need="a mapping of column name to what is declared for the column",
                fix="start from the codebook that `replicant inspect DATA --codebook` prints",
            )
        wrong = [type(name).__name__ for name in found if not isinstance(name, str)]
        if wrong:
            raise SpecError(
                f"{len(wrong)} column names in the codebook are read by YAML as {wrong[0]}",
                need="text",
                fix="put names such as yes, no, on, off or numbers in quotes",
            )
        return cls(found)


def _of_entry(entry: Mapping[str, Any]) -> ColumnSpec:
    """What a manifest says of a column."""
    codes, meanings = entry.get("missing_codes", ()), entry.get("missing_labels")
    given = {key: entry[key] for key in ("kind", "label", "levels", "source", "decimals") if entry.get(key) is not None}
    if entry.get("labels"):
        given["labels"] = {raw: label for raw, label in entry["labels"]}
    if entry.get("recoding"):
        given["recoding"] = entry["recoding"]
    if codes:
        given["missing_codes"] = dict(zip(codes, meanings, strict=True)) if meanings else list(codes)
    return ColumnSpec.model_validate(given)


def _said(spec: ColumnSpec, key: str) -> str:
    """One key of a spec in a few words; empty where nothing is said."""
    value = getattr(spec, key)
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, dict):
        return f"{len(value)} raw values"
    if not isinstance(value, list):
        return str(value)
    joint = " < " if spec.kind is Kind.ORDERED else ", "
    shown = joint.join(map(str, value[:_SHOWN]))
    return shown if len(value) <= _SHOWN else f"{shown} and {len(value) - _SHOWN} more"


class _Loader(yaml.SafeLoader):
    """Safe YAML in which no key may come twice (plain YAML would keep the last one silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key comes twice", key_node.start_mark)
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)
