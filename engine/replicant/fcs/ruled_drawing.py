"""One synthetic partition in the making, whose rows keep rules.

    visit ──> draw ──> rows that break a rule ──> codes that are allowed ──> donors that have one
                                                                                  │
    all columns drawn ──> rows that no donor completed ──> their visits once more <┘

A column is drawn as it is without rules. Rows whose draw breaks one are then given another donor of their leaf among
those that keep all, or of the nearest node that has one: a draw that is kept and a draw among what is allowed are alike
in distribution, so that chances change by the rule alone. A model of a distribution draws from what the rules leave of
it. A method that takes no condition draws such rows again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import RunError
from replicant.fcs.drawing import Drawing, Drawn, Positions, merged
from replicant.fcs.fit import ColumnModel
from replicant.fcs.ruled import Ruled
from replicant.methods import DonorModel
from replicant.plan.column import ColumnPlan
from replicant.plan.seeds import Stage
from replicant.ranges import Ranges
from replicant.table import Column

__all__ = ["RuledDrawing"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TRIES = 100
"""Draws of a cell by a method that takes no condition, and of a row that no donor completes."""


class RuledDrawing(Drawing):
    """See `Drawing`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ruled = Ruled(self.prepared, self.plan, self.sequence, self.codes, self.exact, self.rows)
        self.rngs: dict[str, np.random.Generator] = {}
        self.slots: dict[str, int] = {}
        self.fixed: dict[str, Any] = {}

    def run(self) -> Drawn:
        """Draw all columns, and once more rows that no donor completed.

        Returns
        -------
        Drawn
            In which every row keeps the rules.

        Raises
        ------
        RunError
            If a row breaks one after many draws.
        """
        for name in self.sequence:
            if self.donations is not None:
                self.slots[name] = self.donations.filled
            self.visit(self.plan.column(name))
        first = self.sequence.index(self.ruled.first)
        visits = [self.plan.column(name) for name in self.sequence[first:]]
        redrawn = 0
        for _ in range(TRIES):
            rows = np.flatnonzero(self.ruled.broken())
            if not rows.size:
                break
            redrawn += rows.size
            if self.donations is not None:
                self.donations.forget(rows, self.slots[self.sequence[first]])
            for planned in visits:
                self._visit_again(planned, rows)
        self._check()
        return replace(self.result(), redrawn=redrawn)

    def _check(self) -> None:
        broken = self.ruled.broken_by_rule()
        if broken:
            listed = "; ".join(f"{text!r} in {count} of {self.k} rows" for text, count in broken.items())
            raise RunError(
                f"rows that were drawn {TRIES} times still break rules: {listed}",
                need="rules that the records of the table can keep, whatever was drawn before",
                fix="loosen the rules, or put their columns first in visit_sequence",
            )

    def rng(self, name: str) -> np.random.Generator:
        """The stream of draws of a column for rows that break a rule."""
        if name not in self.rngs:
            self.rngs[name] = self.stream(Stage.RULES, self.plan.positions[name])
        return self.rngs[name]

    def _visit_again(self, planned: ColumnPlan, rows: Positions) -> None:
        """Draw the cells of a column anew in some rows."""
        name = planned.name
        if planned.is_computed:
            self.visit(planned)
            return
        if not planned.is_fitted:
            return
        column, known = self.prepared.table[name], self.exact.get(name)
        codes = self.codes[self.plan.positions[name]].copy()
        if self.donations is not None:
            self.donations.filled = self.slots[name]
        if planned.block:
            if name == planned.block[0]:
                self.block = self.draw_block(planned, self.rng(name))
            drawn, exact = self.block[name]
            codes, exact = merged(column, codes, rows, drawn[rows], None if exact is None else exact[rows], known)
        else:
            if planned.where is not None and self.rows is not None:
                rows = rows[self.prepared.where[name][self.rows[rows]]]
            drawn, exact = self._keep(planned, column, rows, *self.draw(planned, column, rows, self.rng(name)))
            codes, exact = merged(column, codes, rows, drawn, exact, known)
        if self.donations is not None:
            self.donations.close()
        self.enter(name, codes, exact)

    def draw_cells(self, planned: ColumnPlan, column: Column, chosen: Positions | None) -> tuple[Int32, Float | None]:
        """Values of a column for the chosen rows, all if None, that keep the rules wherever a donor does."""
        return self._keep(planned, column, chosen, *super().draw_cells(planned, column, chosen))

    def _keep(
        self, planned: ColumnPlan, column: Column, chosen: Positions | None, codes: Int32, exact: Float | None
    ) -> tuple[Int32, Float | None]:
        """Cells that were drawn, with others where they break a rule that binds here."""
        name = planned.name
        broken = self.ruled.broken_by(name, chosen, codes, exact)
        if broken.size:
            codes, exact = self._keep_rules(planned, column, chosen, codes, exact, broken)
        if name in self.ruled.unique:
            codes, exact = self._keep_apart(planned, column, chosen, codes, exact)
        return codes, exact

    def _keep_rules(
        self,
        planned: ColumnPlan,
        column: Column,
        chosen: Positions | None,
        codes: Int32,
        exact: Float | None,
        broken: Positions,
    ) -> tuple[Int32, Float | None]:
        """Cells that were drawn, with others at the positions of those that break a rule of the row."""
        name = planned.name
        rows = broken if chosen is None else chosen[broken]
        among = self._among(planned, column, rows)
        if among is not None:
            known = None if exact is None else exact[broken]
            return merged(column, codes.copy(), broken, *among.draw(codes[broken], known), exact)
        for _ in range(TRIES):
            self.withdraw(rows)
            codes, exact = merged(
                column, codes.copy(), broken, *self.draw(planned, column, rows, self.rng(name)), exact
            )
            still = self.ruled.broken_by(name, rows, codes[broken], None if exact is None else exact[broken])
            if not still.size:
                break
            broken, rows = broken[still], rows[still]
        return codes, exact

    def _keep_apart(
        self, planned: ColumnPlan, column: Column, chosen: Positions | None, codes: Int32, exact: Float | None
    ) -> tuple[Int32, Float | None]:
        """Cells that were drawn, with others where rows repeat what may occur once only.

        Rows that repeat one get other cells together, and may repeat each other then: so again, until none does.
        """
        name = planned.name
        at = np.arange(self.k) if chosen is None else chosen
        for _ in range(TRIES):
            broken = self.ruled.repeated(name, at, codes, exact)
            if not broken.size:
                break
            count, unused = self.ruled.unused(name, at, codes, exact, at[broken])
            before = codes
            # Where what is unused takes too much memory, rows draw as they did and may meet something used again.
            for some, sets in ((broken[:count], unused), (broken[count:], None)):
                if some.size:
                    codes, exact = self._once_more(planned, column, at[some], some, codes, exact, sets)
            if exact is None and np.array_equal(codes, before):
                break
        return codes, exact

    def _once_more(
        self,
        planned: ColumnPlan,
        column: Column,
        rows: Positions,
        at: Positions,
        codes: Int32,
        exact: Float | None,
        sets: Ranges | None,
    ) -> tuple[Int32, Float | None]:
        """Cells with others at some positions, where these keep the rules of the row."""
        among = self._among(planned, column, rows, sets)
        known = None if exact is None else exact[at]
        if among is not None:
            drawn, numbers = among.draw(codes[at], known)
        else:
            self.withdraw(rows)
            drawn, numbers = self.draw(planned, column, rows, self.rng(planned.name))
        kept = np.ones(len(rows), dtype=np.bool_)
        kept[self.ruled.broken_by(planned.name, rows, drawn, numbers)] = False
        numbers = None if numbers is None else numbers[kept]
        return merged(column, codes.copy(), at[kept], drawn[kept], numbers, None if exact is None else exact.copy())

    def _among(
        self, planned: ColumnPlan, column: Column, rows: Positions, unused: Ranges | None = None
    ) -> _Among | None:
        """Draws of a column in some rows under its rules, of unused codes; None for a method without conditions."""
        model = self.models[planned.name]
        sets = self.ruled.allowed(planned.name, rows)
        if unused is not None:
            sets = sets.both(unused)
        ordinary: Ranges | None = sets
        if not isinstance(model.state, DonorModel | None):
            return None
        if hasattr(model.value, "draw_between"):
            ordinary = self.ruled.allowed_numbers(planned.name, rows, sets)
        elif not hasattr(model.value, "draw_among"):
            return None
        elif model.state is not None:
            ordinary = sets.ordinary()
        return None if ordinary is None else _Among(self, planned, column, model, rows, sets, ordinary)

    def _ask(
        self,
        value: Any,
        model: ColumnModel,
        planned: ColumnPlan,
        column: Column,
        chosen: Positions | None,
        rng: np.random.Generator,
    ) -> tuple[Int32, Float | None]:
        return super()._ask(self.once(planned.name, value, rng), model, planned, column, chosen, rng)

    def once(self, name: str, value: Any, rng: np.random.Generator) -> Any:
        """The model of a column with the parameters that all rows of the set have."""
        if name not in self.fixed:
            self.fixed[name] = value.fixed(rng) if hasattr(value, "fixed") else value
        return self.fixed[name]

    def withdraw(self, rows: Positions) -> None:
        """Take out the donors of some rows, which get others."""
        if self.donations is not None:
            self.donations.withdraw(rows)


@dataclass(frozen=True, eq=False, slots=True)
class _Among:
    """Draws of a column in some rows, whose cells broke a rule, among the values that its rules allow.

    Attributes
    ----------
    drawing, planned, column, model
        The rows in the making, and the column.
    rows
        Their positions.
    sets
        Codes that are allowed.
    ordinary
        Codes, or numbers, that are allowed of ordinary values.
    """

    drawing: RuledDrawing
    planned: ColumnPlan
    column: Column
    model: ColumnModel
    rows: Positions
    sets: Ranges
    ordinary: Ranges

    def draw(self, codes: Int32, exact: Float | None) -> tuple[Int32, Float | None]:
        """Cells of the rows, instead of those given; these where the model has none that is allowed.

        A cell with an ordinary value gets another one, if any is allowed, so that a rule on values does not change how
        many cells are missing.
        """
        everybody = np.arange(len(self.rows))
        if self.model.state is None:
            return self._values(everybody, codes.copy(), exact)[:2]
        response = self.drawing.prepared.response(self.planned.name, self.planned.declaration.missing_class)
        special = np.array(response.special)
        is_special = np.isin(codes, special)
        if exact is not None:
            is_special &= (codes < 0) | (exact == self.column.numbers(codes))
        codes, exact, waiting = self._values(np.flatnonzero(~is_special), codes.copy(), exact)
        if is_special.any():
            at = np.flatnonzero(is_special)
            codes, exact, ordinary = self._states(at, special, True, codes, exact)
            codes, exact, nobody = self._values(ordinary, codes, exact)
            waiting = np.union1d(nobody, waiting)
        if waiting.size:
            codes, exact, _ = self._states(waiting, special, False, codes, exact)
        return codes, exact

    def _values(self, at: Positions, codes: Int32, exact: Float | None) -> tuple[Int32, Float | None, Positions]:
        """The cells with ordinary values at some of the rows, and those that have none which is allowed."""
        if not at.size:
            return codes, exact, at
        rows, rng = self.rows[at], self.drawing.rng(self.planned.name)
        value = self.drawing.once(self.planned.name, self.model.value, rng)
        self.drawing.withdraw(rows)
        draw = value.draw_between if hasattr(value, "draw_between") else value.draw_among
        drawn, found = draw(self.drawing.given(self.model, self.planned, rows), self.ordinary.take(at), rng)
        new, numbers = self.drawing.cells_of(drawn[found], self.column)
        return *merged(self.column, codes, at[found], new, numbers, exact), at[~found]

    def _states(
        self, at: Positions, special: Int32, or_ordinary: bool, codes: Int32, exact: Float | None
    ) -> tuple[Int32, Float | None, Positions]:
        """The cells with what is no ordinary value at some of the rows, and those that are to have one."""
        allowed = [np.full(len(at), or_ordinary), *(self.sets.holds(code)[at] for code in special.tolist())]
        states = np.broadcast_to(np.arange(len(allowed), dtype=np.int32), (len(at), len(allowed)))
        some = Ranges.of(states, states + 1, np.stack(allowed, axis=1))
        rows, model = self.rows[at], self.model
        assert isinstance(model.state, DonorModel)
        self.drawing.withdraw(rows)
        x = self.drawing.predictors(model, self.planned, rows)
        drawn, found = model.state.draw_among(x, some, self.drawing.rng(self.planned.name))
        changed = found & (drawn > 0)
        new = special[drawn[changed] - 1].astype(np.int32)
        return *merged(self.column, codes, at[changed], new, None, exact), at[found & (drawn == 0)]
