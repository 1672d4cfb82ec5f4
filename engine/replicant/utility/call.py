"""`rp.utility`: how close m synthetic sets are to the real table, each figure beside what a second sample shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from replicant.analysis import compare
from replicant.evaluation.grouping import GROUPS
from replicant.evaluation.inputs import MOST_ROWS, Inputs, inputs
from replicant.evaluation.parameters import with_common_parameters
from replicant.evaluation.runner import Effort, Found, Subset, evaluate, known_columns
from replicant.utility.counted import count_tables
from replicant.utility.indicators import model_figures
from replicant.utility.measures import measure

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
    by: str | None = None,
    weights: str | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    grouped: int | Mapping[str, int] = GROUPS,
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
            counted=count_tables(given.real, given.sets, given.coding) if beyond else None,
        )
        return [*found, *of_models] if rows.whole else found, [LEFT_OUT] if effort == "quick" else []

    of_models = [figure for model, formula in models for figure in _of_model(given, model, formula)]
    settings: dict[str, object] = {"targets": list(targets), "models": [list(one) for one in models]}
    return evaluate(
        "utility", given, figures, by=by, effort=effort, seed=seed, settings=settings, client=client, threads=threads
    )


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
