"""Identifiers: refused, unless new ones are to be made up, or left out of the table before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.methods import Origin, origin_of
from replicant.plan.imputed_cells import only_imputes
from replicant.table.identifiers import refused
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["made_up", "named", "surrogate_events"]


def made_up(spec: SynthesisSpec, table: Table, rows: int) -> set[str]:
    """Identifiers of which new values are made up; `rows` are those of the whole table.

    Raises
    ------
    DataError
        There are identifiers of which nobody said what is to become of them, or no new values of one can be made up.
    SpecError
        An identifier is to do what only a variable can, or a variable is to be made up.
    """
    if only_imputes(spec):
        return set()  # they are the keys of the records that are completed
    identifiers = {column.name: column for column in table.columns if column.kind is Kind.IDENTIFIER}
    wanted = named(spec)
    if isinstance(spec.method, str) and origin_of(spec.method) is Origin.NEW:
        raise SpecError(f"method is {spec.method!r} for all columns", need="a method by column", fix=_say("pid"))
    for name in sorted(wanted - identifiers.keys()):
        if name in table:
            raise SpecError(
                f"method.{name} is {spec.method_of(name)!r}, and the column is {table[name].kind} ({table[name].why})",
                need="an identifier",
                fix=f"declare columns.{name}.kind: identifier, or take method.{name} out",
            )
    open_ = {name: column.why for name, column in identifiers.items() if name not in wanted}
    if open_:
        raise refused(open_)
    _check_use(spec, identifiers)
    for name in sorted(wanted & identifiers.keys()):
        _check_space(name, identifiers[name], rows if spec.k is None else spec.k)
    return wanted & identifiers.keys()


def named(spec: SynthesisSpec) -> set[str]:
    """Columns of which the settings say by name that new values are made up."""
    methods = {} if isinstance(spec.method, str) else spec.method
    return {name for name, method in methods.items() if origin_of(method) is Origin.NEW}


def surrogate_events(names: Sequence[str], distinct: Mapping[str, tuple[int, int]]) -> list[Event]:
    """What should be known of identifiers whose values are made up.

    Parameters
    ----------
    names
        Of these identifiers.
    distinct
        How many values each has, in how many cells.
    """
    events = []
    for name in names:
        events.append(Event("surrogate", name, "an identifier: its values are made up anew, each in one row of a set"))
        values, cells = distinct.get(name, (0, 0))
        if values < cells:
            events.append(
                Event(
                    "surrogates_unique",
                    name,
                    f"{values} distinct identifiers stand in {cells} rows; made-up ones are all distinct, so rows that "
                    "belong together are no longer seen to",
                    "warning",
                )
            )
    return events


def _check_use(spec: SynthesisSpec, identifiers: dict[str, Column]) -> None:
    uses = [
        ("strata", spec.strata_columns),
        ("predictors", tuple(spec.predictors)),
        ("passive", tuple(spec.expressions)),
    ]
    uses += [(f"predictors.{name}", tuple(others)) for name, others in spec.predictors.items()]
    for where, names in uses:
        for name in names:
            if name in identifiers:
                raise SpecError(
                    f"{where} names {name!r}, which is an identifier",
                    need="variables: an identifier tells rows apart, predicts nothing and is not predicted",
                    fix=f"take {name!r} out of {where}, or declare columns.{name}.kind if it is a variable",
                )


def _check_space(name: str, column: Column, k: int) -> None:
    if column.space is None:
        raise DataError(
            f"column {name!r} is to be made up anew, but its values are neither texts nor whole numbers",
            need="texts or whole numbers",
            fix=f"leave {name!r} out (drop: [{name}]), or convert it to text",
        )
    if column.space.capacity < k:
        raise DataError(
            f"column {name!r}: its pattern allows about {column.space.capacity:,} new values; {k:,} are needed",
            need="a pattern that allows as many new values as rows are synthesized",
            fix=f"leave {name!r} out (drop: [{name}]), or synthesize fewer rows (k)",
        )


def _say(name: str) -> str:
    return f"name the identifiers only: method: {{{name}: surrogate}}"
