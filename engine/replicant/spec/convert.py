"""Converts settings of a call of mice or synthpop to a job, and lists those without a counterpart."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from replicant.errors import SpecError
from replicant.spec.conversion import Conversion
from replicant.spec.load import MAX_BYTES, parse_job
from replicant.spec.r_settings import settings_of

__all__ = ["Converted", "convert"]


@dataclass(frozen=True)
class Converted:
    """A job, and what its maker must know of it.

    Attributes
    ----------
    document
        The job as a document.
    notes
        What differs from the call it was made of, a sentence or two each.
    package
        `mice` or `synthpop`.
    """

    document: dict[str, Any]
    notes: tuple[str, ...]
    package: str

    @property
    def text(self) -> str:
        """The job file, with the notes as comments."""
        head = [f"# Converted from the settings of a call of {self.package}."]
        if self.notes:
            head.append("# What is not the same here:")
        for note in self.notes:
            head += textwrap.wrap(note, 116, initial_indent="# - ", subsequent_indent="#   ", break_on_hyphens=False)
        body = yaml.dump(
            self.document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
        )
        return "\n".join(head) + "\n\n" + body


def convert(
    settings: Mapping[str, Any],
    *,
    package: Literal["mice", "synthpop"] | None = None,
    columns: Sequence[str] | None = None,
    missing: Mapping[str, Sequence[bool]] | None = None,
    data: str = "data.csv",
    release: str = "release",
    strict: bool = False,
) -> Converted:
    """Make a job of the settings of a call in R.

    Parameters
    ----------
    settings
        By the names that R gives them: `method`, `predictorMatrix`, `visitSequence`, `where`, `maxit`, `m`, ... of
        mice; `method`, `predictor.matrix`, `visit.sequence`, `minnumlevels`, `proper`, ... of synthpop. Values as
        `jsonlite::toJSON` writes them, or a `Grid` that was read from CSV.
    package
        The package; None infers it from the names.
    columns
        Names of the table's columns, for settings without names.
    missing
        By column, which cells of the table are missing: whether `where` selects these or observed ones says if mice
        imputes or synthesizes. None if that is not known.
    data, release
        Paths for `input` and `output`.
    strict
        Refuse methods that nothing here is equal to, instead of taking the nearest one for them.

    Raises
    ------
    SpecError
        For settings that do not fit together, that nothing here does, or that are misspelt.
    """
    found = settings_of(settings, package, columns)
    made = Conversion(found, strict, missing)
    section = made.section()
    document: dict[str, Any] = {"input": {"path": data}}
    if described := made.columns():
        document["columns"] = described
    converted = Converted({**document, **section, "output": {"path": release}}, tuple(made.notes), found.package)
    if len(converted.text.encode()) > MAX_BYTES:
        raise SpecError(
            f"the masks of `where` make a job of more than {MAX_BYTES // 1_000_000} MB",
            need="a job that can be read",
            fix='write rules instead of masks, such as where: ["income > p99"], or give where= in Python',
        )
    parse_job(converted.text)  # what is written must be readable
    return converted


class _Dumper(yaml.SafeDumper):
    """Texts in quotes unless they are plain words in every version of YAML, and no anchors: a job is to be edited."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_PLAIN = re.compile(r"[^\W\d][\w.]*")
_TAKEN = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n)")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(text) and not _TAKEN.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{number!r}")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)
