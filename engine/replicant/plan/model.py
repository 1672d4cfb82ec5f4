"""The frozen plan: everything a run does, decided before it starts.

Plain dataclasses of names, numbers and NumPy arrays: they pickle, they hold no cell value, and nothing in them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from replicant.events import Event

if TYPE_CHECKING:
    from replicant.methods import Cart
    from replicant.plan.column import ColumnPlan, Partition
    from replicant.plan.imputation import ImputationPlan
    from replicant.plan.orders import Orders
    from replicant.plan.task import Task
    from replicant.spec.rule import Rule
    from replicant.table.dtypes import ColumnType

__all__ = ["Plan"]

Conditioning = Literal["synthetic", "observed"]
Fits = Literal["own", "shared"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What a run will do, column by column and task by task.

    Attributes
    ----------
    columns
        One `ColumnPlan` per column, in table order.
    n, k, m
        Observed rows, synthetic rows in each set, number of sets.
    seed
        The seed of all streams; it stays with the data owner.
    seed_given
        False if it was drawn from the operating system's entropy.
    conditioning
        `synthetic`: predict from what was drawn before. `observed`: predict from the row's observed values.
    fits
        `own`: every imputation fits its own models. `shared`: one fit serves all.
    proper
        Whether each fit is on a bootstrap sample of the rows.
    exclude_self
        Whether a record never donates to itself.
    donors
        To how many cells of a synthetic row a record may donate, where its leaf offers another; None: no limit.
    shuffle
        Whether rows are shuffled in the release.
    missing
        What happens to missing cells (`keep`: missingness is synthesized as a property of the data).
    cart
        How trees grow.
    visit
        The rule the sequences came from: `random`, `auto`, `table`, or the user's list.
    sequences
        One order of visits per imputation; every column occurs exactly once in each.
    orders
        Those that suit the data, if the rule is `auto`.
    rules
        What rows keep, in rules of as few columns as possible.
    excludes_broken
        Whether nothing is learnt from observed rows that break one of them.
    strata
        Columns that cut the table into partitions.
    partitions, tasks
        The cut, and the units of work.
    events
        The table's events, then the plan's own.
    digest
        Hex digest of spec, table and seed.
    imputation
        How missing cells are filled before the synthesis; None: they are kept.
    syntheses
        Sets that are drawn from each completed table: set i from the table that chain i // syntheses completes.
    canaries
        Records that are planted among those that models see.
    seconds_estimate, bytes_estimate
        Rough cost: seconds on one core, peak bytes of one process.
    """

    columns: tuple[ColumnPlan, ...]
    n: int
    k: int
    m: int
    seed: int
    seed_given: bool
    conditioning: Conditioning
    fits: Fits
    proper: bool
    exclude_self: bool
    donors: int | None
    shuffle: bool
    cart: Cart
    sequences: tuple[tuple[str, ...], ...]
    partitions: tuple[Partition, ...]
    tasks: tuple[Task, ...]
    events: tuple[Event, ...]
    digest: str
    missing: str = "keep"
    visit: str | tuple[str, ...] = "random"
    orders: Orders | None = None
    rules: tuple[Rule, ...] = ()
    excludes_broken: bool = False
    strata: tuple[str, ...] = ()
    imputation: ImputationPlan | None = None
    syntheses: int = 1
    canaries: int = 0
    seconds_estimate: float = 0.0
    bytes_estimate: int = 0

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each column in the table: the `column` of its seeds."""
        return {column.name: i for i, column in enumerate(self.columns)}

    @cached_property
    def outputs(self) -> dict[str, ColumnType]:
        """The types of computed columns."""
        return {column.name: column.output for column in self.columns if column.output is not None}

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in table order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnPlan:
        """The plan of one column.

        Parameters
        ----------
        name
            Of the column.

        Returns
        -------
        ColumnPlan
            Its method and predictors, and why.
        """
        return self.columns[self.positions[name]]

    @property
    def fitted(self) -> tuple[str, ...]:
        """Columns that need a model, in table order."""
        return tuple(column.name for column in self.columns if column.is_fitted)

    @property
    def aligned(self) -> bool:
        """Whether synthetic rows stand in for observed rows: under `observed`, or if any cell is kept."""
        return self.conditioning == "observed" or any(c.is_kept or c.where is not None for c in self.columns)

    @property
    def uses_trees(self) -> bool:
        """Whether anything runs the compiled tree kernel."""
        chains = self.imputation is not None and self.imputation.uses_trees
        return chains or any(column.uses_trees for column in self.columns)

    @property
    def uses_matrices(self) -> bool:
        """Whether any method works on a design matrix, or weights the donors of leaves by a regression."""
        chains = () if self.imputation is None else self.imputation.columns
        declared = [column.declaration for column in self.columns] + [column.declaration for column in chains]
        regressions = any(getattr(one.method, "leaf_weights", "equal") == "regression" for one in declared)
        return regressions or any(one.works_on != "codes" for one in declared)

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is synthesized: the sets are the completed table."""
        return all(column.is_kept for column in self.columns)

    @property
    def shares_fits(self) -> bool:
        """Whether one fit of a column serves all m imputations: observed without `proper`, or with shared fits."""
        if self.imputation is not None:
            return False  # each is fitted on a table of its own
        return self.fits == "shared" or (self.conditioning == "observed" and not self.proper)

    def predictors_of(self, name: str, imputation: int = 0) -> tuple[str, ...]:
        """Predictors usable when the column is visited in one imputation, in table order.

        Under `observed` conditioning: all allowed ones. Under `synthetic`: those visited before it.

        Parameters
        ----------
        name
            Of the column.
        imputation
            Which, from 0.

        Returns
        -------
        tuple of str
            Names of columns.
        """
        if self.conditioning == "observed":
            return self.column(name).predictors
        return self._usable[imputation][name]

    def predictors_along(self, sequence: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Usable predictors of every column, for an order of visits that is not one of the plan's own (a study).

        Parameters
        ----------
        sequence
            All columns in the order of visits.

        Returns
        -------
        dict
            Column to names of columns.
        """
        if self.conditioning == "observed":
            return {column.name: column.predictors for column in self.columns}
        rank = {name: i for i, name in enumerate(sequence)}
        return {
            column.name: tuple(other for other in column.predictors if rank[other] < rank[column.name])
            for column in self.columns
        }

    @cached_property
    def _usable(self) -> tuple[dict[str, tuple[str, ...]], ...]:
        made: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}
        for sequence in self.sequences:
            if sequence not in made:
                made[sequence] = self.predictors_along(sequence)
        return tuple(made[sequence] for sequence in self.sequences)

    def __repr__(self) -> str:
        # Without the seed: a repr ends up in logs.
        return f"Plan(m={self.m}, n={self.n}, k={self.k}, {len(self.columns)} columns, {len(self.tasks)} tasks)"

    def __str__(self) -> str:
        from replicant.plan.show import render  # the view is not needed to run a plan

        return render(self)

    def _repr_html_(self) -> str:
        from replicant.plan.show import to_html

        return to_html(self)
