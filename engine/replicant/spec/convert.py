"""Converts settings of a call of mice or synthpop to a job, and lists those without a counterpart."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.spec.expression import parse_expression
from replicant.spec.load import MAX_BYTES, parse_job
from replicant.spec.r_expression import from_r
from replicant.spec.r_methods import KNOWN, SAMPLE
from replicant.spec.r_settings import Settings, near, settings_of

__all__ = ["Converted", "convert"]

_WORDS = ("roman", "arabic", "monotone", "revmonotone")


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
    data: str = "data.csv",
    release: str = "release",
    strict: bool = False,
) -> Converted:
    """Make a job of the settings of a call in R.

    Parameters
    ----------
    settings
        By the names that R gives them: `method`, `predictorMatrix`, `visitSequence`, `where`, `blocks`, `m`, ... of
        mice; `method`, `predictor.matrix`, `visit.sequence`, `minnumlevels`, `proper`, ... of synthpop. Values as
        `jsonlite::toJSON` writes them, or a `Grid` that was read from CSV.
    package
        The package; None infers it from the names.
    columns
        Names of the table's columns, for settings without names.
    data, release
        Paths for `input` and `output`.
    strict
        Refuse methods that nothing here is equal to, instead of taking trees for them.

    Raises
    ------
    SpecError
        For settings that do not fit together, that nothing here does, or that are misspelt.
    """
    found = settings_of(settings, package, columns)
    made = _Job(found, strict)
    synthesis = made.synthesis()
    document: dict[str, Any] = {"input": {"path": data}}
    if described := made.columns():
        document["columns"] = described
    converted = Converted(
        {**document, "synthesis": synthesis, "output": {"path": release}}, tuple(made.said), found.package
    )
    if len(converted.text.encode()) > MAX_BYTES:
        raise SpecError(
            f"the masks of `where` make a job of more than {MAX_BYTES // 1_000_000} MB",
            need="a job that can be read",
            fix='write rules instead of masks, such as where: ["income > p99"], or give where= in Python',
        )
    parse_job(converted.text)  # what is written must be readable
    return converted


@dataclass
class _Job:
    """One conversion: columns fall into those that are kept, computed and drawn, and what differs is noted."""

    found: Settings
    strict: bool
    said: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    passive: dict[str, str] = field(default_factory=dict)
    sampled: list[str] = field(default_factory=list)
    inputs: dict[str, set[str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return self.found.names

    @property
    def drawn(self) -> list[str]:
        return [name for name in self.names if name not in self.passive and name not in self.kept]

    def note(self, text: str) -> None:
        self.said.append(text)

    def synthesis(self) -> dict[str, Any]:
        """The section of that name."""
        mice = self.found.package == "mice"
        self._methods()
        order = self._order()
        self._keep_unvisited(order)
        where = self._where()
        if not self.drawn:
            raise SpecError(
                "no column is synthesized: every method is empty, passive, or without a cell to replace",
                need="a column to draw",
                fix='in R: method = "cart" with where = make.where(data, "all") in mice; an empty method leaves as is',
            )
        order = [name for name in order if name in self.drawn]
        predictors = self._predictors(order)
        made: dict[str, Any] = {"m": self.found.m}
        if self.found.seed is not None:
            made["seed"] = self.found.seed
            self.note("seed: the streams of R are others; the same seed gives other draws here.")
        made["conditioning"] = "observed" if mice else "synthetic"
        if methods := {name: "keep" for name in self.kept} | {name: "sample" for name in self.sampled}:
            made["method"] = {name: methods[name] for name in self.names if name in methods}  # all others: cart
        made |= {"minbucket": self.found.minbucket or 5, "cp": self.found.cp or (1e-4 if mice else 1e-8)}
        if self.passive:
            made["passive"] = self.passive
        if predictors:
            made["predictors"] = predictors
        made["visit_sequence"] = "table" if order == self.drawn else order
        if where:
            made["where"] = where
        if self.found.k is not None:
            made["k"] = self.found.k
        if self.found.proper:
            made["proper"] = True
        self._closing_notes(mice, where)
        return made

    def columns(self) -> dict[str, Any]:
        """What the settings say of columns."""
        made: dict[str, Any] = {}
        for name, codes in self.found.missing_codes.items():
            made.setdefault(name, {})["missing_codes"] = codes
        for name, values in self.found.spikes.items():
            made.setdefault(name, {})["spike"] = values
        return made

    def _methods(self) -> None:
        known = KNOWN[self.found.package]
        replaced: dict[str, list[str]] = {}
        for name, method in self.found.method.items():
            if method == "":
                self.kept.append(name)
            elif method.lstrip().startswith("~"):
                self._compute(name, method)
            elif method not in known:
                raise SpecError(
                    f"the method of {name!r} is none of {self.found.package}'s: {near(method, known)}",
                    need=f"one of {', '.join(known)}, a passive formula that begins with ~, or an empty text",
                    fix="a method of your own is registered here by rp.register_method, and named in the job",
                )
            else:
                becomes = known[method]
                if becomes.method is None:
                    raise SpecError(
                        f"the method of {name!r} is {method!r}: {becomes.note}",
                        need="a method for one column, given others",
                        fix='give this column "cart" in R\'s settings, or leave it as observed by an empty method',
                    )
                if becomes is SAMPLE:
                    self.sampled.append(name)
                if becomes.note:
                    replaced.setdefault(method, []).append(name)
        for method, names in replaced.items():
            if self.strict:
                raise SpecError(
                    f"the method of {_listed(names)} is {method!r}, which does not exist here",
                    need="cart, sample, a passive formula or an empty method",
                    fix="leave out --strict, and trees replace it",
                )
            self.note(f"{_listed(names)}: `{method}` becomes `cart`, {known[method].note}.")

    def _compute(self, name: str, formula: str) -> None:
        try:
            text = from_r(formula)
        except ExpressionError as error:
            raise ExpressionError(
                f"the passive formula of {name!r}: {error.found}", need=error.need, fix=error.fix
            ) from None
        for other in parse_expression(text).names:
            if other not in self.names:
                raise SpecError(
                    f"the passive formula of {name!r} names {other!r}, which is not a column"
                    f"{nearest(other, self.names)}",
                    need=f"the columns {_listed(self.names)}",
                )
            self.inputs.setdefault(other, set()).add(name)
        self.passive[name] = text

    def _order(self) -> list[str]:
        """All columns that are visited, each once."""
        visits = self.found.visits
        if visits is None:
            return list(self.names)
        if isinstance(visits, list):
            if len(set(visits)) < len(visits):
                self.note("visitSequence names columns more than once; here each is visited once in an imputation.")
            return list(dict.fromkeys(visits))
        if visits not in _WORDS:
            raise SpecError(
                f"visitSequence is {near(visits, _WORDS)}",
                need=f"names of columns, or one of {', '.join(_WORDS)}",
            )
        count = self.found.replaced or {}
        if "monotone" in visits and not count:
            self.note(
                f"visitSequence is `{visits}`, by how many cells are replaced, which the settings do not say: "
                "columns are taken to be alike."
            )
        names = list(self.names)
        if "monotone" in visits:
            names.sort(key=lambda name: count.get(name, 0))
        return names[::-1] if visits in {"arabic", "revmonotone"} else names

    def _keep_unvisited(self, order: Collection[str]) -> None:
        left = [name for name in self.drawn if name not in order]
        if left:
            self.kept += left
            self.note(f"{_listed(left)}: not in the visit sequence, so left as observed.")

    def _where(self) -> dict[str, list[bool]]:
        """Masks of columns some of whose cells are replaced. A column without a cell to replace is kept."""
        if self.found.where is None:
            return {}
        partly = {}
        for name, mask in self.found.where.items():
            if not any(mask) and name not in self.kept and name not in self.passive:
                self.kept.append(name)
                self.note(f"{name}: `where` replaces none of its cells, so it is left as observed.")
            elif not all(mask) and name in self.drawn:
                partly[name] = mask
        if not partly:
            return {}
        if self.passive:
            self.note(f"{_listed(self.passive)}: computed on every row, whatever `where` says of it.")
        self.note(
            "where: a mask holds for the table that it was made of, row by row. A rule says what it means, such as "
            'where: ["income > p99"].'
        )
        masks = {name: self.found.where[name] for name in self.drawn}
        return {name: [bool(cell) for cell in mask] for name, mask in masks.items()}

    def _predictors(self, order: Sequence[str]) -> dict[str, list[str]]:
        """For columns that are not predicted from all that they can be, those they are."""
        matrix = self.found.predictors
        if matrix is None:
            return {}
        synthpop = self.found.package == "synthpop"
        lists, late, circular = {}, [], []
        computed_from = self._computed_from()
        for position, name in enumerate(order):
            wanted = [other for other in self.names if matrix.get(name, {}).get(other) and other != name]
            possible = [other for other in self.names if other != name and other not in computed_from.get(name, ())]
            if synthpop:
                before = {*order[:position], *self.kept}
                before |= {other for other in self.passive if self._sources(other) <= before}
                possible = [other for other in possible if other in before]
                late += [name] * any(
                    other not in before and other not in computed_from.get(name, ()) for other in wanted
                )
            circular += [name] * any(other in computed_from.get(name, ()) for other in wanted)
            kept = [other for other in wanted if other in possible]
            if not kept and possible:
                if name not in self.sampled:
                    self.sampled.append(name)
                    self.note(f"{name}: predicted from nothing, so `sample`.")
            elif kept != possible:
                lists[name] = kept
        if late:
            self.note(f"{_listed(late)}: predictors that come later in the visit sequence are left out.")
        if circular:
            self.note(f"{_listed(circular)}: not predicted from what is computed from them.")
        return {name: kept for name, kept in lists.items() if name not in self.sampled}

    def _computed_from(self) -> dict[str, set[str]]:
        """For each column, the passive ones that follow from it, also through others."""
        found: dict[str, set[str]] = {}
        for name in self.names:
            stack = list(self.inputs.get(name, ()))
            while stack:
                other = stack.pop()
                if other not in found.setdefault(name, set()):
                    found[name].add(other)
                    stack += self.inputs.get(other, ())
        return found

    def _sources(self, name: str) -> set[str]:
        """The columns that a passive one is computed from in the end."""
        direct = parse_expression(self.passive[name]).names
        return set().union(*(self._sources(other) if other in self.passive else {other} for other in direct))

    def _closing_notes(self, mice: bool, where: Mapping[str, Any]) -> None:
        if self.kept:
            self.note(f"left as observed: {_listed(self.kept)}. The release then holds their real values.")
        if mice:
            if self.found.where is None:
                self.note(
                    "where: without it mice fills missing cells only; this job replaces every cell, as mice does "
                    'with where = make.where(data, "all"). Missing cells are synthesized as such, not imputed.'
                )
            self.note(
                "conditioning: observed is what mice does: a cell is predicted from its row's observed other columns, "
                "the order of visits does not matter, and every synthetic row shadows a real one. `conditioning: "
                "synthetic`, the default here, covers better and gives no row a twin; with it, take `predictors` and "
                "`visit_sequence` out."
            )
        else:
            self.note(
                "visit_sequence: one order for all sets, as in synthpop. `random`, the default here, gives each its "
                "own, so that intervals count the error of the trees; with it, take `predictors` out."
            )
            self.note(
                "class_risk: synthpop takes back splits that change no majority; the default here, `gini`, does not, "
                "and keeps joint distributions of categories unbiased. `class_risk: misclassified` is synthpop's way."
            )
        self.said += self.found.notes


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


class _Dumper(yaml.SafeDumper):
    """Texts in quotes unless they are plain words in every version of YAML."""


_PLAIN = re.compile(r"[^\W\d][\w.]*")
_TAKEN = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n)")


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(text) and not _TAKEN.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{number!r}")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)
