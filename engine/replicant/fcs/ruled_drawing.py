"""One synthetic partition in the making, whose rows keep rules.

    visit ──> draw ──> rows that break a rule ──> codes that are allowed ──> donors that have one
                                                                                  │
    all columns drawn ──> rows that no donor completed ──> their visits once more <┘

A column is drawn as it is without rules. Rows whose draw breaks one are then given another donor of their leaf among
those that keep all, or of the nearest node that has one: a draw that is kept and a draw among what is allowed are alike
in distribution, so that chances change by the rule alone. A method that takes no condition draws such rows again.
"""

from __future__ import annotations

from dataclasses import replace
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
        if not broken.size:
            return codes, exact
        rows = broken if chosen is None else chosen[broken]
        model = self.models[name]
        if isinstance(model.value, DonorModel) and (model.state is None or isinstance(model.state, DonorModel)):
            codes = codes.copy()
            codes[broken] = self._draw_among(planned, model, rows, codes[broken])
            return codes, exact
        for _ in range(TRIES):
            if self.donations is not None:
                self.donations.withdraw(rows)
            codes, exact = merged(
                column, codes.copy(), broken, *self.draw(planned, column, rows, self.rng(name)), exact
            )
            still = self.ruled.broken_by(name, rows, codes[broken], None if exact is None else exact[broken])
            if not still.size:
                break
            broken, rows = broken[still], rows[still]
        return codes, exact

    def _draw_among(self, planned: ColumnPlan, model: ColumnModel, rows: Positions, codes: Int32) -> Int32:
        """Codes that the rules allow in some rows, from donors; the ones given where no donor has any.

        A cell with an ordinary value gets another one, if any is allowed, so that a rule on values does not change how
        many cells are missing.
        """
        sets = self.ruled.allowed(planned.name, rows)
        everybody = np.arange(len(rows))
        if model.state is None:
            drawn, found = self._donors(planned, model, model.value, rows, sets)
            return np.where(found, drawn, codes)
        special = np.array(self.prepared.response(planned.name, planned.declaration.missing_class).special)
        is_special = np.isin(codes, special)
        out = codes.copy()
        waiting = ~is_special
        ordinary = sets.ordinary()

        def draw_values() -> None:
            at = np.flatnonzero(waiting)
            drawn, found = self._donors(planned, model, model.value, rows[at], ordinary.take(at))
            out[at[found]] = drawn[found]
            waiting[at[found]] = False

        def draw_states(at: Positions, or_ordinary: bool) -> None:
            allowed = [np.full(len(at), or_ordinary), *(sets.holds(code)[at] for code in special.tolist())]
            states = np.broadcast_to(np.arange(len(allowed), dtype=np.int32), (len(at), len(allowed)))
            some = Ranges.of(states, states + 1, np.stack(allowed, axis=1))
            drawn, found = self._donors(planned, model, model.state, rows[at], some)
            waiting[at] = found & (drawn == 0)
            changed = found & (drawn > 0)
            out[at[changed]] = special[drawn[changed] - 1]

        if waiting.any():
            draw_values()
        nobody = everybody[waiting]
        if is_special.any():
            draw_states(everybody[is_special], True)
            waiting[nobody] = False
            draw_values()
            nobody = np.union1d(nobody, everybody[waiting])
        if nobody.size:
            draw_states(nobody, False)
        return out

    def _donors(
        self, planned: ColumnPlan, model: ColumnModel, part: Any, rows: Positions, sets: Ranges
    ) -> tuple[Int32, Mask]:
        """Codes for some rows among those that are allowed, by a part of a model, and where a donor has one."""
        if self.donations is not None:
            self.donations.withdraw(rows)
        predictors = self.predictors(model, planned, rows)
        drawn: tuple[Int32, Mask] = part.draw_among(predictors, sets, self.rng(planned.name))
        return drawn
