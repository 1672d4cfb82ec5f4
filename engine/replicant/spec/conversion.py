"""One conversion of settings of R: which columns are kept, computed and drawn, by which method, and what differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.spec.expression import parse_expression
from replicant.spec.r_cells import Cells
from replicant.spec.r_expression import from_r
from replicant.spec.r_methods import ARGUMENTS, IN_CLUSTERS, KNOWN, NESTED, TREES
from replicant.spec.r_notes import closing_notes
from replicant.spec.r_predictors import Predictors
from replicant.spec.r_settings import Settings
from replicant.spec.r_values import near

__all__ = ["Conversion"]

_SEQUENCES = {"roman": "table", "arabic": "reverse", "monotone": "monotone", "revmonotone": "revmonotone"}
"""Words of mice for visit sequences, and ours."""

MAXIT = 5
"""Iterations of mice by default."""


@dataclass
class Conversion:
    """Settings, and the section of a job that is made of them.

    Attributes
    ----------
    found
        The settings.
    strict
        Whether methods without an equal here are refused.
    missing
        By column, which cells of the table are missing; None if that is not known.
    notes
        What differs.
    kept
        Columns that are left as observed.
    passive
        By column, the expression that gives it.
    methods, options
        By column that is drawn, its method here and the options of that; no methods where mice chooses by kind.
    """

    found: Settings
    strict: bool
    missing: Mapping[str, Sequence[bool]] | None = None
    notes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    passive: dict[str, str] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the table."""
        return self.found.names

    @property
    def drawn(self) -> list[str]:
        """Columns that are neither kept nor computed."""
        return [name for name in self.names if name not in self.passive and name not in self.kept]

    def section(self) -> dict[str, Any]:
        """`imputation` for a call of mice that fills missing cells, else `synthesis`."""
        cells = Cells(self.found, self.missing)
        imputes = cells.imputes()
        self._methods()
        self._events()
        order = self._order(repeats=imputes)
        self._keep([name for name in self.drawn if name not in order], "not in the visit sequence, so left as observed")
        self._keep([name for name in self.drawn if cells.untouched(name)], "`where` selects none of its cells, so kept")
        if not self.drawn and not (imputes and self.passive):
            raise SpecError(
                f"no column is {'imputed' if imputes else 'synthesized'}: every method is empty, passive, or without a "
                "cell to replace",
                need="a column to draw",
                fix='in R: method = "cart" with where = make.where(data, "all") in mice; an empty method leaves as is',
            )
        order = [name for name in order if name in self.drawn]
        predictors = self._predictors(order)
        self.notes += predictors.notes
        self.methods |= dict.fromkeys(predictors.sampled, "sample")
        made: dict[str, Any] = {"m": self.found.m}
        if self.found.seed is not None:
            made["seed"] = self.found.seed
        if imputes:
            made |= self._chains(order, predictors, cells)
        else:
            made |= self._synthesis(order, predictors, cells)
        self.notes += cells.notes
        self.notes += closing_notes(self.found, self.kept, self.methods, cells, imputes=imputes)
        return {"imputation" if imputes else "synthesis": made}

    def columns(self) -> dict[str, Any]:
        """What the settings say of columns."""
        made: dict[str, Any] = {name: {"kind": "ordered", "levels": one} for name, one in self.found.levels.items()}
        for name, codes in self.found.missing_codes.items():
            made.setdefault(name, {})["missing_codes"] = codes
        for name, values in self.found.spikes.items():
            made.setdefault(name, {})["spike"] = values
        return made

    def _synthesis(self, order: Sequence[str], predictors: Predictors, cells: Cells) -> dict[str, Any]:
        found, mice = self.found, self.found.package == "mice"
        made: dict[str, Any] = {"conditioning": "observed" if mice else "synthetic"}
        chosen = {name: self._choice(name) for name in self.drawn if name in self.methods}
        chosen = {name: choice for name, choice in chosen.items() if choice != TREES}  # all others: cart
        chosen |= dict.fromkeys(self.kept, "keep")
        if chosen:
            made["method"] = {name: chosen[name] for name in self.names if name in chosen}
        made |= {"minbucket": found.minbucket or 5, "cp": found.cp or (1e-4 if mice else 1e-8)}
        if self.passive:
            made["passive"] = self.passive
        made |= predictors.settings(means=False)
        made["visit_sequence"] = "table" if list(order) == self.drawn else list(order)
        if where := cells.masks(self.drawn):
            made["where"] = where
            if self.passive:
                self.notes.append(f"{_listed(self.passive)}: computed on every row, whatever `where` says of it.")
        if cells.complete(self.drawn):
            made |= {"missing": "impute", "imputation": self._chains(order, predictors, cells)}
        if found.k is not None:
            made["k"] = found.k
        if found.proper:
            made["proper"] = True
        return made

    def _chains(self, order: Sequence[str], predictors: Predictors, cells: Cells) -> dict[str, Any]:
        """How missing cells are imputed."""
        found = self.found
        made: dict[str, Any] = {"maxit": found.maxit or MAXIT}
        holed = [name for name in self.drawn if cells.count_missing(name) != 0]
        chosen = {name: self._choice(name, everything=True) for name in holed if name in self.methods}
        if chosen and len(chosen) == len(holed) and len(set(map(str, chosen.values()))) == 1:
            one = chosen[holed[0]]
            chosen = {} if isinstance(one, dict) and len(holed) > 1 else chosen
            made["method"] = one if isinstance(one, str) else {name: one for name in holed}
        elif chosen:
            made["method"] = chosen
        if kept := [name for name in self.kept if cells.count_missing(name) != 0]:
            made["missing"] = dict.fromkeys(kept, "keep")
        if self.passive:
            made["passive"] = self.passive
        made |= predictors.settings(holed, means=True)
        word = found.visits if isinstance(found.visits, str) else "roman"
        listed = isinstance(found.visits, list) and list(order) != self.drawn
        made["visit_sequence"] = list(order) if listed else _SEQUENCES[word]
        if cells.imputes() and (where := cells.masks(self.drawn)):
            made["where"] = where
        if found.ignore is not None:
            made["ignore"] = found.ignore
        return made

    def _choice(self, name: str, *, everything: bool = False) -> Any:
        """The method of a column, with its options; `everything`: also those that a synthesis has for all trees."""
        method, package = self.methods[name], self.found.package
        options = dict(self.found.options.get(method, {})) if everything or method != TREES else {}
        options |= self.options.get(name, {})
        for key, value in self.found.own_options.get(name, {}).items():
            option = ARGUMENTS[package].get(key, {}).get(method)
            if option is None:
                self._note_once(f"blots of {name}: an argument of `{method}` that has no counterpart is left out.")
            else:
                options[option] = value[0] if isinstance(value, list) and len(value) == 1 else value
        return {"name": method, **options} if options else method

    def _note_once(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _keep(self, names: Collection[str], why: str) -> None:
        if names:
            self.kept += names
            self.notes.append(f"{_listed(names)}: {why}.")

    def _methods(self) -> None:
        package = self.found.package
        known = KNOWN[package]
        replaced: dict[str, list[str]] = {}
        for name, method in (self.found.method or {}).items():
            if method == "":
                self.kept.append(name)
            elif method.lstrip().startswith("~"):
                self._compute(name, method)
            elif method not in known:
                raise SpecError(
                    f"the method of {name!r} is none of {package}'s: {near(method, known)}",
                    need=f"one of {', '.join(known)}, a passive formula that begins with ~, or an empty text",
                    fix="a method of your own is registered here by rp.register_method, and named in the job",
                )
            else:
                becomes = known[method]
                if becomes.method is None:
                    raise SpecError(
                        f"the method of {name!r} is {method!r}: {becomes.note}",
                        need="a method that is here",
                        fix=becomes.fix,
                    )
                self.methods[name] = becomes.method
                if becomes.options:
                    self.options[name] = dict(becomes.options)
                if becomes.note:
                    replaced.setdefault(method, []).append(name)
        for method, names in replaced.items():
            becomes = known[method]
            if self.strict:
                raise SpecError(
                    f"the method of {_listed(names)} is {method!r}, which has no equal here",
                    need="a method that is here, a passive formula or an empty method",
                    fix=f"leave out --strict, and `{becomes.method}` replaces it",
                )
            what = "is" if becomes.method == method else f"becomes `{becomes.method}`,"
            words = becomes.note.removeprefix("which is ") if becomes.method == method else becomes.note
            self.notes.append(f"{_listed(names)}: `{method}` {what} {words}.")

    def _events(self) -> None:
        """A time and its event are drawn together: both have the method, with the same options."""
        for time, event in self.found.events.items():
            if event in self.passive:
                raise SpecError(f"the event {event!r} is passive", need="an event that is drawn with its time")
            if event in self.kept:
                self.kept.remove(event)
            self.methods[event] = self.methods[time]
            self.options[time] = self.options[event] = {"event": event}

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
        self.passive[name] = text

    def _order(self, *, repeats: bool) -> list[str]:
        """All columns that are visited; `repeats`: as often as they are."""
        order = self._visited(repeats=repeats)
        for time, event in self.found.events.items():
            if time in order:
                order = [name for name in order if name != event]
                order.insert(order.index(time) + 1, event)
        return order

    def _visited(self, *, repeats: bool) -> list[str]:
        visits = self.found.visits
        if visits is None:
            return list(self.names)
        if isinstance(visits, list):
            if repeats:
                return list(visits)
            if len(set(visits)) < len(visits):
                self.notes.append(
                    "visitSequence names columns more than once; here each is visited once in a synthesis."
                )
            return list(dict.fromkeys(visits))
        if visits not in _SEQUENCES:
            raise SpecError(
                f"visitSequence is {near(visits, _SEQUENCES)}",
                need=f"names of columns, or one of {', '.join(_SEQUENCES)}",
            )
        count = self.found.replaced or {}
        names = list(self.names)
        if "monotone" in visits:
            names.sort(key=lambda name: count.get(name, 0))
        return names[::-1] if visits in {"arabic", "revmonotone"} else names

    def _predictors(self, order: Sequence[str]) -> Predictors:
        clustered = [name for name in order if self.methods.get(name) in IN_CLUSTERS]
        predictors = Predictors(self.found, self.methods, self.passive, self.kept, clustered)
        for name in order:
            if self.methods.get(name) == NESTED:
                self.options[name] = {"within": predictors.only_one(name)}
        predictors.read(order)
        return predictors


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
