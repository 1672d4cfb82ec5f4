"""`rp.utility`: how close m synthetic sets are to the real table, each figure beside what a second sample shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from os import PathLike
from typing import TYPE_CHECKING, Any

from replicant.analysis import compare
from replicant.errors import ReplicantError, SpecError
from replicant.evaluation.grouping import GROUPS, Grouped
from replicant.evaluation.inputs import MOST_ROWS, Inputs, frame_in_memory, inputs
from replicant.evaluation.parameters import with_common_parameters
from replicant.evaluation.runner import Effort, Found, Subset, evaluate, known_columns
from replicant.utility.all_rows import WholeTables
from replicant.utility.counted import count_tables
from replicant.utility.indicators import Computation, computed_figures, declared_figures, model_figures
from replicant.utility.measures import measure
from replicant.utility.pictures import utility_pictures
from replicant.utility.published import Indicator, read_indicators
from replicant.utility.rules import kept_rules
from replicant.utility.tables import tables_of

if TYPE_CHECKING:
    from replicant.evaluation import Evaluation, Figure

__all__ = ["utility"]

LEFT_OUT = (
    "quick effort leaves out pairs of columns in the logistic model, boosted trees and the density ratio, and draws "
    "fewer baselines"
)


@with_common_parameters
def utility(
    real: Any,
    syn: Any,
    *,
    holdout: Any = None,
    targets: Sequence[str] = (),
    models: Sequence[tuple[str, str]] = (),
    indicators: Mapping[str, Any] | Computation | None = None,
    three_way: Sequence[str] | Sequence[Sequence[str]] = (),
    by: str | None = None,
    weights: str | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    grouped: Grouped = GROUPS,
    effort: Effort = "full",
    seed: int = 1,
    client: Any = None,
    threads: int | None = None,
) -> Evaluation:
    """Measure how close synthetic sets are to the real table. For the data owner.

    Parameters
    ----------
    {common}
    holdout
        Real rows that were not synthesized. Baselines then use them too.
    targets
        Columns to predict: models that learn from the sets are tried on real rows.
    models
        Analyses that will be made: pairs of a model and a formula, as for `analyse`. They are fitted to the real rows
        and to the sets.
    indicators
        Figures that are published: by name what is computed, such as `{"income": {"mean": "income", "by": "region"}}`
        (`mean`, `total`, `share`, `median`, `quantile`, `ratio`, `count`; `by`, `where`), or a function of a frame and
        its weights that gives a number or a series; or one such function.
    three_way
        Columns of which all tables of three are compared; or several lists of columns.
    weights
        A column of weights.

    Returns
    -------
    Evaluation
        `.frame`, `.flags`, `.passed`, `.to_html()`, `.to_json()`.

    Raises
    ------
    DataError
        The tables have no column or no row in common.
    SpecError
        A name is not a column's.
    """
    if isinstance(targets, str | PathLike):
        targets = [str(targets)]
    given = inputs(real, syn, holdout, columns=columns, weights=weights, reading=reading, groups=grouped)
    known_columns(given, "targets", targets)
    triples = _triples(given, three_way)
    functions, declared = _indicators(given, indicators)

    def figures(rows: Subset) -> Found:
        inside = [name for name in targets if name in rows.real.coding.names]
        beyond = rows.whole and max(given.schema.n, *given.schema.k) > MOST_ROWS
        found = measure(
            rows.real,
            rows.sets,
            holdout=rows.holdout,
            targets=inside,
            effort=effort,
            rng_of=rows.rng_of,
            tasks=rows.tasks,
            counted=count_tables(given.real, given.sets, given.coding, triples) if beyond else None,
            whole=_whole(given) if beyond else None,
            three_way=triples,
        )
        found += declared_figures(declared, rows.real, rows.sets, rows.rng_of("indicators"))
        left_out = [LEFT_OUT] if effort == "quick" else []
        if rows.whole:
            pictures.update(utility_pictures(rows.real, rows.sets, rows.rng_of))
            large = tables_of(given.coding, triples).left_out
            left_out += [f"{len(large)} tables with more cells than can be counted"] if large else []
            found += of_models
            if functions:
                real, *sets = (frame_in_memory(one) for one in (given.real, *given.sets))
                found += computed_figures(functions, real, sets, weights, rows.rng_of("functions"))
            try:
                found += kept_rules(
                    frame_in_memory(given.real)[list(given.coding.names)], given.declared(given.coding.names), rows
                )
            except ReplicantError as error:
                left_out.append(f"rules between columns: {error}")
        return found, left_out

    pictures: dict[str, Any] = {}
    of_models = [figure for model, formula in models for figure in _of_model(given, model, formula)]
    settings: dict[str, object] = {"targets": list(targets), "models": [list(one) for one in models]}
    settings |= {"indicators": [*functions, *(one.name for one in declared)]}
    settings |= {"three_way": [" x ".join(one) for one in triples]}
    found = evaluate(
        "utility", given, figures, by=by, effort=effort, seed=seed, settings=settings, client=client, threads=threads
    )
    return replace(found, pictures=pictures)


def _whole(given: Inputs) -> WholeTables | None:
    """All rows, where they count alike."""
    if given.coding.weight is not None:
        return None
    return WholeTables(given.real, given.sets, given.coding, given.schema.n, given.schema.k)


def _triples(given: Inputs, three_way: Sequence[str] | Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """Each table of three columns."""
    plain = [one for one in three_way if isinstance(one, str)]
    out: dict[tuple[str, str, str], None] = {}
    for names in [plain] if plain else three_way:
        known_columns(given, "three_way", list(names))
        if len(set(names)) < 3:
            raise SpecError(f"three_way names {len(set(names))} columns", need="three columns or more")
        order = sorted(map(str, set(names)), key=given.coding.names.index)
        out |= dict.fromkeys(combinations(order, 3))
    return list(out)


def _indicators(
    given: Inputs, indicators: Mapping[str, Any] | Computation | None
) -> tuple[dict[str, Computation], list[Indicator]]:
    """Functions, and what is declared."""
    if callable(indicators):
        indicators = {getattr(indicators, "__name__", "indicator"): indicators}
    if indicators is not None and not isinstance(indicators, Mapping):
        raise SpecError("indicators is no mapping", need="by name what is computed: {'income': {'mean': 'income'}}")
    functions = {str(name): one for name, one in (indicators or {}).items() if callable(one)}
    declared = {name: one for name, one in (indicators or {}).items() if not callable(one)}
    return functions, read_indicators(declared, given.coding)


def _of_model(given: Inputs, model: str, formula: str) -> list[Figure]:
    manifest = given.manifest or {
        # Sets of other tools say nothing of themselves: they are taken for new rows, drawn from complete data.
        "m": len(given.sets),
        "n": given.schema.n,
        "k": given.schema.k[0],
        "columns": [{"name": one.name, "kind": one.kind} for one in given.coding.columns],
    }
    compared = compare(given.real, given.sets, manifest, model, formula)
    figures = model_figures(compared, given.schema.n / given.schema.k[0])
    return [replace(one, of=f"{formula}: {one.of}" if one.of else formula) for one in figures]
