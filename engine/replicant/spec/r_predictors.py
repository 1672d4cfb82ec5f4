"""The predictor matrix of mice or synthpop: for each column the columns that predict it, and the column of clusters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from replicant.errors import SpecError
from replicant.spec.expression import parse_expression
from replicant.spec.r_methods import BLOCKS, TIMES, WITHOUT_PREDICTORS
from replicant.spec.r_settings import CLUSTER, MEANS, SLOPES, Settings

__all__ = ["Predictors"]


class Predictors:
    """Predictors by column.

    Attributes
    ----------
    lists
        For columns that are not predicted from all that they can be, those they are.
    sampled
        Columns that nothing predicts.
    cluster
        The column of clusters; None: none.
    slopes
        By column, its predictors with a random slope.
    means
        Whether means of predictors in clusters predict as well.
    notes
        What differs.
    """

    def __init__(
        self,
        found: Settings,
        methods: Mapping[str, str],
        passive: Mapping[str, str],
        kept: Collection[str],
        clustered: Collection[str],
    ) -> None:
        self.found = found
        self.methods = methods
        self.passive = passive
        self.kept = kept
        self.clustered = clustered
        self.matrix = found.predictors
        self.lists: dict[str, list[str]] = {}
        self.sampled: list[str] = []
        self.slopes: dict[str, list[str]] = {}
        self.means = False
        self.notes: list[str] = []
        self.cluster = self._cluster()

    def settings(self, names: Collection[str] | None = None, *, means: bool) -> dict[str, Any]:
        """Keys of a section.

        Parameters
        ----------
        names
            Columns that are of interest; None: all.
        means
            Whether the section has `cluster_means`.
        """
        made: dict[str, Any] = {}
        lists = {name: others for name, others in self.lists.items() if names is None or name in names}
        if lists:
            made["predictors"] = lists
        if self.cluster is not None:
            made["cluster"] = self.cluster
        if slopes := {name: others for name, others in self.slopes.items() if names is None or name in names}:
            made["random_slopes"] = slopes
        if self.means and means:
            made["cluster_means"] = True
        return made

    def only_one(self, name: str) -> str:
        """The one predictor of a column that is nested within another."""
        found = [other for other, code in (self.matrix or {}).get(name, {}).items() if code and other != name]
        if len(found) != 1:
            raise SpecError(
                f"the method of {name!r} is nested, and {len(found)} columns predict it",
                need="one 1 in its row of the predictor matrix: the broader column",
                fix="export predictor.matrix with the settings, or write 0 for the others",
            )
        return found[0]

    def read(self, order: Sequence[str]) -> None:
        """Read the rows of columns that are drawn, in the order of visits."""
        if self.matrix is None:
            return
        synthpop = self.found.package == "synthpop"
        names, late, circular = self.found.names, [], []
        computed_from = self._computed_from()
        for position, name in enumerate(order):
            if self.methods.get(name) in WITHOUT_PREDICTORS or name in order[:position]:
                continue
            row = self.matrix.get(self._row_of(name), {})
            without = {name, *self._block_of(name), *computed_from.get(name, ())}
            if name in self.clustered and self.cluster is not None:
                without.add(self.cluster)
                self._slopes(name, row, without)
            wanted = [
                other for other in names if row.get(other) and other != name and other not in self._block_of(name)
            ]
            possible = [other for other in names if other not in without]
            if synthpop:
                before = {*order[:position], *self.kept}
                before |= {other for other in self.passive if self._sources(other) <= before}
                possible = [other for other in possible if other in before]
                late += [name] * any(
                    other not in before and other not in computed_from.get(name, ()) for other in wanted
                )
            circular += [name] * any(other in computed_from.get(name, ()) for other in wanted)
            chosen = [other for other in wanted if other in possible]
            if not chosen and possible and name not in self.clustered:
                self.sampled.append(name)
                self.notes.append(f"{name}: predicted from nothing, so `sample`.")
            elif chosen != possible:
                self.lists[name] = chosen
        if late:
            self.notes.append(f"{', '.join(late)}: predictors that come later in the visit sequence are left out.")
        if circular:
            self.notes.append(f"{', '.join(circular)}: not predicted from what is computed from them.")
        self._note_means()

    def _slopes(self, name: str, row: Mapping[str, int], without: Collection[str]) -> None:
        slopes = [other for other in self.found.names if row.get(other) in SLOPES and other not in without]
        if slopes:
            self.slopes[name] = slopes
        self.means = self.means or any(code in MEANS for code in row.values())

    def _note_means(self) -> None:
        if self.means:
            self.notes.append(
                "codes 3 and 4: means in clusters are here those of all numeric predictors (cluster_means, of an "
                "imputation)."
            )

    def _cluster(self) -> str | None:
        """The one column with code -2 in the rows of columns whose methods know of clusters."""
        if not self.clustered:
            return None
        rows = {name: (self.matrix or {}).get(name, {}) for name in self.clustered}
        found = {name: [other for other, code in row.items() if code == CLUSTER] for name, row in rows.items()}
        if alone := [name for name, others in found.items() if not others]:
            raise SpecError(
                f"the method of {alone[0]!r} is {self.methods[alone[0]]!r}, and no column has code -2 in its row",
                need="the column that says which cluster a row belongs to",
                fix="write -2 for it in predictorMatrix, and export that with the settings",
            )
        every = list(dict.fromkeys(other for others in found.values() for other in others))
        if len(every) > 1:
            raise SpecError(
                f"{len(every)} columns have code -2: {', '.join(every)}",
                need="one column of clusters in a job",
                fix="write -2 for one of them, and 1 or 0 for the others",
            )
        return every[0]

    def _row_of(self, name: str) -> str:
        """The row of the matrix that counts: an event is predicted as its time is."""
        return next((time for time, event in self.found.events.items() if event == name), name)

    def _block_of(self, name: str) -> set[str]:
        """The other columns of its block."""
        method = self.methods.get(name)
        if method == TIMES:
            time = self._row_of(name)
            return {time, self.found.events[time]}
        return {other for other, one in self.methods.items() if one == method} if method in BLOCKS else set()

    def _computed_from(self) -> dict[str, set[str]]:
        """For each column, the passive ones that follow from it, also through others."""
        inputs: dict[str, set[str]] = {}
        for computed, text in self.passive.items():
            for other in parse_expression(text).names:
                inputs.setdefault(other, set()).add(computed)
        found: dict[str, set[str]] = {}
        for name in self.found.names:
            stack = list(inputs.get(name, ()))
            while stack:
                other = stack.pop()
                if other not in found.setdefault(name, set()):
                    found[name].add(other)
                    stack += inputs.get(other, ())
        return found

    def _sources(self, name: str) -> set[str]:
        """The columns that a passive one is computed from in the end."""
        stack, seen = [name], {name}
        while stack:
            other = stack.pop()
            more = set(parse_expression(self.passive[other]).names) - seen if other in self.passive else set()
            stack += more
            seen |= more
        return seen - set(self.passive)
