"""Estimands as documents, bound to a table: which columns and terms, and the truth of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicant.errors import ReplicantError, SpecError, nearest
from replicant.spec.study import DisclosedSpec, EstimandSpec
from replicant.studies.arm import SAMPLE, Arm
from replicant.studies.description import copies, counts, densities, description, means
from replicant.studies.discrimination import Discriminations
from replicant.studies.estimand import Estimand, Head
from replicant.studies.inference import Coefficients, Correlations
from replicant.table import Column

__all__ = ["SUMMARY", "bind", "defaults"]

SUMMARY = "summary"
"""The table of figures over all estimands; no estimand may take its name."""

Manifests = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class _Asked:
    """The specification of an estimand, with the data that it is bound to."""

    spec: EstimandSpec
    name: str
    scores: str
    original: Arm
    manifests: Manifests
    drawn: tuple[str, ...]
    level: float

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns that some variant does not synthesize."""
        of_all = (one for manifest in self.manifests.values() for one in manifest["columns"])
        kept = {one["name"] for one in of_all if one.get("synthesized") == "none"}
        return tuple(name for name in self.original.table.names if name in kept)

    def columns(
        self,
        names: Sequence[str] | None,
        fits: Callable[[Column], bool] = lambda column: True,
        need: str = "",
        least: int = 1,
    ) -> tuple[str, ...]:
        """Columns of the table that are fit for it."""
        table = self.original.table
        chosen = tuple(names or ())
        for name in chosen:
            if name not in table:
                raise SpecError(f"there is no column {name!r}{nearest(name, table.names)}", need="columns of the table")
            if not fits(table[name]):
                raise SpecError(f"the column {name!r} is {table[name].kind}", need=need)
        if len(set(chosen)) < max(least, len(chosen)):
            raise SpecError(
                "there are too few columns, or one is named twice", need=f"{least} or more columns, each once"
            )
        return chosen


def defaults(columns: Sequence[Column]) -> list[EstimandSpec]:
    """What is estimated if nothing is asked for: all that needs no model of the user's."""
    names = [column.name for column in columns]
    numbers = [column.name for column in columns if _is_number(column) and len(column.values) > 1]
    described = [column.name for column in columns if _no_date(column)]
    asked: list[dict[str, Any]] = [{"describe": described}] if described else []
    if len(numbers) > 1:
        asked.append({"correlation": numbers})
    asked += [{"discriminate": "all", "name": "discrimination"}, {"densities": names}, {"copies": True}]
    return [EstimandSpec.model_validate(one) for one in asked]


def bind(
    asked: Sequence[EstimandSpec], original: Arm, manifests: Manifests, drawn: tuple[str, ...], level: float
) -> tuple[Estimand, ...]:
    """Bind estimands to the original data.

    Parameters
    ----------
    asked
        The documents; none for `defaults`.
    original
        The original data as an arm: every row once.
    manifests
        The manifests of the variants, which determine the pooling rules.
    drawn
        Columns that are drawn, not computed or kept.
    level
        Confidence level of the intervals.

    Raises
    ------
    SpecError, DataError
        If one names an unknown column or a column of the wrong kind, if two tables have one name, or a model has no
        estimates on the original data.
    """
    bound: list[Estimand] = []
    taken = {SUMMARY}
    for i, spec in enumerate(asked or defaults(original.table.columns)):
        where = f"study.estimands[{i + 1}]"
        name = _name(spec.name, spec.kind, taken, where)
        scores = _name(spec.scores, f"{name}-scores", taken, where) if spec.kind == "discriminate" else ""
        try:
            bound.append(_BINDERS[spec.kind](_Asked(spec, name, scores, original, manifests, drawn, level)))
            _check_published(spec, bound[-1].heads, (SAMPLE, *manifests))
        except ReplicantError as error:
            raise type(error)(f"{where}: {error.found}", need=error.need, fix=error.fix) from None
    return tuple(bound)


def _name(given: str | None, default: str, taken: set[str], where: str) -> str:
    """The name given, or the default with a number if it is taken."""
    if given in taken:
        raise SpecError(f"{where}: the name {given!r} is taken", need="a name of its own for every table")
    name, number = given or default, 1
    while name in taken:
        number += 1
        name = f"{default}-{number}"
    taken.add(name)
    return name


def _check_published(spec: EstimandSpec, heads: Sequence[Head], arms: Sequence[str]) -> None:
    """What is misspelt would find nothing to lie beside, at the end of a long study."""
    for one in spec.published:
        head = heads[1 if one.scores else 0]
        known = (*head.fields, "bias", "difference")
        for word, words, what in ((one.arm, arms, "arm"), *((field, known, "field") for field in one.fields)):
            if word not in words:
                raise SpecError(
                    f"published: there is no {what} {word!r}{nearest(word, words)}", need="one of " + ", ".join(words)
                )


def _is_number(column: Column) -> bool:
    return column.is_numeric and column.kind != "date"


def _no_date(column: Column) -> bool:
    return column.kind != "date"


def _describe(a: _Asked) -> Estimand:
    columns = a.columns(a.spec.describe, _no_date, "numbers or levels")
    return description(a.name, a.spec.title, columns, a.original)


def _correlation(a: _Asked) -> Estimand:
    columns = a.columns(a.spec.correlation, _is_number, "columns of numbers", least=2)
    return Correlations.bind(a.name, a.spec.title, columns, a.spec.rule, a.original.frames[0], a.manifests, a.level)


def _model(a: _Asked) -> Estimand:
    model, formula = a.spec.model, a.spec.formula or ""
    return Coefficients.bind(
        a.name, a.spec.title, model, formula, a.spec.rule, a.original.frames[0], a.manifests, a.level, a.spec.design
    )


def _discriminate(a: _Asked) -> Estimand:
    formula = None if a.spec.discriminate == "all" else a.spec.discriminate
    real = a.original.frames[0]
    return Discriminations.bind(
        a.name, a.spec.title, a.scores, a.spec.scores_title, formula, a.spec.against, real, a.level
    )


def _means(a: _Asked) -> Estimand:
    columns = a.columns(a.spec.means, _is_number, "columns of numbers")
    return means(a.name, a.spec.title, columns, a.original)


def _counts(a: _Asked) -> Estimand:
    columns = a.columns(a.spec.counts, lambda column: column.is_categorical, "columns of levels")
    return counts(a.name, a.spec.title, columns, a.original)


def _densities(a: _Asked) -> Estimand:
    return densities(a.name, a.spec.title, a.columns(a.spec.densities), a.original)


def _copies(a: _Asked) -> Estimand:
    columns = a.columns(a.original.table.names if a.spec.copies is True else a.spec.copies)
    return copies(a.name, a.spec.title, columns, a.drawn, a.original)


def _utility(a: _Asked) -> Estimand:
    from replicant.studies.closeness import distances  # measures need a compiler, which a plan does not

    return distances(a.name, a.spec.title, a.spec.utility or (), a.original, a.kept)


def _disclosure(a: _Asked) -> Estimand:
    asked = a.spec.disclosure or DisclosedSpec(measures=[])
    from replicant.studies.closeness import disclosed

    return disclosed(a.name, a.spec.title, asked.measures, a.original, a.kept, asked.keys, asked.targets)


_BINDERS: dict[str, Callable[[_Asked], Estimand]] = {
    "describe": _describe,
    "correlation": _correlation,
    "model": _model,
    "discriminate": _discriminate,
    "means": _means,
    "counts": _counts,
    "densities": _densities,
    "copies": _copies,
    "utility": _utility,
    "disclosure": _disclosure,
}
