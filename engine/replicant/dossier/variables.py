"""The columns of a release as a codebook describes them: names, labels, types, levels, kinds of missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.release.csv import level_text
from replicant.table.coarsening import Coarsening

__all__ = ["Level", "Variable", "variables_of"]

_TYPES = {
    "number": "number",
    "days": "number of days",
    "time": "time of day",
    "logical": "true or false",
    "date": "date",
    "datetime": "date and time",
    "factor": "categories",
    "ordered": "categories in order",
    "text": "text",
}
_SYNTHESIZED = {"all": "every cell", "some": "some cells", "none": "no cell: as in the real data"}


@dataclass(frozen=True, slots=True)
class Level:
    """A value that a column may have, or a code for a kind of missing.

    Attributes
    ----------
    value
        As it is written in the files.
    label
        What it means, if that was declared; else empty.
    missing
        Whether it means that the value is missing.
    """

    value: str
    label: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A column as a codebook describes it.

    Attributes
    ----------
    name, label
        Its name in the files, and what it means, if that was declared.
    kind, form
        What it measures, and what it is to a program that reads text.
    decimals
        Digits after the point, if it is a number with a fixed count of them.
    levels
        Its values, of categories, and its codes for kinds of missing.
    level_count
        How many categories it has; they are not listed if there are more than a thousand.
    synthesized
        `all`, `some` or `none` of its cells.
    method
        By which it was drawn.
    recoding
        How its values were recoded before, in words.
    """

    name: str
    label: str
    kind: str
    form: str
    decimals: int | None
    levels: tuple[Level, ...]
    level_count: int | None
    synthesized: str
    method: str
    recoding: str = ""

    @property
    def type(self) -> str:
        """What its cells are, in words."""
        return _TYPES.get(self.form, self.form)

    @property
    def replaced(self) -> str:
        """Which cells are synthetic, in words."""
        return _SYNTHESIZED[self.synthesized]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        levels = [{"value": one.value, "label": one.label, "missing": one.missing} for one in self.levels]
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "type": self.type,
            "decimals": self.decimals,
            "levels": levels,
            "level_count": self.level_count,
            "synthesized": self.replaced,
            "method": self.method,
            "recoding": self.recoding,
        }


def variables_of(manifest: Mapping[str, Any]) -> tuple[Variable, ...]:
    """The columns of a release, from its public manifest."""
    found = tuple(_variable(entry) for entry in manifest["columns"])
    if not (flag := manifest.get("flag")):
        return found
    value = "TRUE" if manifest.get("synthetic", True) else "FALSE"
    meaning = "Whether the row is synthetic: the same in every row"
    return *found, Variable(flag, meaning, "binary", "logical", None, (Level(value, ""),), 1, "all", "constant")


def _variable(entry: Mapping[str, Any]) -> Variable:
    kind = str(entry.get("kind", ""))
    form = str(entry.get("form") or ("number" if entry.get("decimals") is not None else "text"))
    # Raw codes that became labels: the files have the labels, and the codes are what others know them by.
    codes = {level_text(label): level_text(raw) for raw, label in entry.get("labels", ())}
    levels = [level_text(level) for level in entry.get("levels", ())]
    found = [Level(value, f"code {codes[value]}" if codes.get(value, value) != value else "") for value in levels]
    missing = [level_text(code) for code in entry.get("missing_codes", ())]
    meanings = [str(label) for label in entry.get("missing_labels", ())] or [""] * len(missing)
    found += [Level(value, label, missing=True) for value, label in zip(missing, meanings, strict=False)]
    return Variable(
        str(entry["name"]),
        str(entry.get("label", "")),
        kind,
        form,
        entry.get("decimals"),
        tuple(found),
        entry.get("level_count"),
        str(entry.get("synthesized", "all")),
        str(entry.get("method", "")),
        Coarsening.model_validate(entry.get("recoding", {})).words(),
    )
