"""What differs between a call of mice or synthpop and the job that was made of it, whatever its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from replicant.spec.r_cells import Cells
from replicant.spec.r_methods import FOREST, ORDERED, TREES, WITH_PARAMETERS
from replicant.spec.r_settings import Settings

__all__ = ["closing_notes"]


def closing_notes(
    found: Settings, kept: Collection[str], methods: Mapping[str, str], cells: Cells, *, imputes: bool
) -> Iterator[str]:
    """Sentences on settings that every job has.

    Parameters
    ----------
    found
        The settings.
    kept
        Columns that are left as observed.
    methods
        By column that is drawn, its method here; none where mice chooses by kind.
    cells
        Which cells are replaced.
    imputes
        Whether the job imputes, and synthesizes nothing.
    """
    if found.seed is not None:
        yield "seed: the streams of R are others; the same seed gives other draws here."
    if any(method == ORDERED and name not in found.levels for name, method in methods.items()):
        yield (
            "polr: the order of levels is that of the table's type, or of `columns`: {NAME: {kind: ordered, levels: "
            "[...]}}; a CSV file has none. Export it by levels = lapply(Filter(is.ordered, data), levels)."
        )
    if imputes:
        yield from _of_imputation(found, kept, methods, cells)
    else:
        yield from _of_synthesis(found, kept, methods, cells)
    yield from found.notes


def _of_imputation(found: Settings, kept: Collection[str], methods: Mapping[str, str], cells: Cells) -> Iterator[str]:
    if found.where is None:
        yield (
            "where: without it mice fills missing cells, and so does this job. For a call that replaces observed cells "
            "as well, export imp$where with the settings."
        )
    yield "The sets are the table itself, with its missing cells filled: as confidential as that."
    if left := [name for name in kept if cells.count_missing(name) != 0]:
        yield f"missing cells that stay missing: those of {', '.join(left)}, whose method is empty."
    if TREES in methods.values() and found.cp is None:
        yield "cart: cp is 1e-8 here and 1e-4 in mice: method: {NAME: {name: cart, cp: 0.0001}}."
    if not methods and found.options.keys() - {TREES, FOREST}:
        yield (
            "donors: methods are by kind, since the settings name none; with another number of donors name the column: "
            "method: {NAME: {name: pmm, donors: 3}}."
        )


def _of_synthesis(found: Settings, kept: Collection[str], methods: Mapping[str, str], cells: Cells) -> Iterator[str]:
    mice = found.package == "mice"
    if kept:
        yield f"left as observed: {', '.join(kept)}. The release then holds their real values."
    if not mice:
        yield (
            "visit_sequence: one order for all sets, as in synthpop. `random`, the default here, gives each its own, "
            "so that intervals count the error of the trees; with it, take `predictors` out."
        )
        yield (
            "class_risk: synthpop takes back splits that change no majority; the default here, `gini`, does not, and "
            "keeps joint distributions of categories unbiased. `class_risk: misclassified` is synthpop's way."
        )
        yield (
            "splits, leaf_weights, donors: the defaults here keep coefficients from shrinking and copy fewer records; "
            "synthpop has nothing like them. `splits: rpart`, `leaf_weights: equal` and `donors: any` are its way."
        )
        return
    if found.method is None:
        yield (
            "method: mice chooses by kind if none is named (pmm, logreg, polyreg, polr); a synthesis draws by trees, "
            "unless the job names others: method: {NAME: pmm}."
        )
    if found.ignore is not None and not cells.complete(found.names):
        yield "ignore: a synthesis fits on all rows; take rows out of the table before."
    if found.missing is None and cells.missing is None:
        yield (
            "missing: cells that are missing are synthesized as such. mice fills them: `missing: impute` does, in the "
            "same chain."
        )
    if some := sorted(WITH_PARAMETERS & set(methods.values())):
        yield (
            f"proper: mice draws the parameters of {', '.join(some)} for each set; a synthesis takes them as "
            "estimated, as its pooling rules do, unless it has `proper: true`."
        )
    yield (
        "conditioning: observed is what mice does: a cell is predicted from its row's observed other columns, the "
        "order of visits does not matter, and every synthetic row shadows a real one. `conditioning: synthetic`, the "
        "default here, covers better and gives no row a twin; with it, take `predictors` and `visit_sequence` out."
    )
