"""Measures of utility and disclosure as estimands: real rows that the sample left out stand beside its own.

A sample leaves rows out: a bootstrap sample more than a third of them. They are a holdout: real, and never synthesized.
Utility is the distance of the sets from them, and the distance of the sample from them is what real rows have.
Disclosure is what the sets give away of the rows that the sample has, each counted once, and its baseline what they
give away of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replicant.disclosure.means import means as given_away
from replicant.errors import SpecError, nearest
from replicant.evaluation.rows import Coding, Rows
from replicant.evaluation.runner import streams_of
from replicant.evaluation.schema import compare_schemas
from replicant.studies.arm import Arm
from replicant.studies.estimand import Head, Measured
from replicant.table.codebook import as_specs
from replicant.utility.judge import some
from replicant.utility.means import NAMES, means

__all__ = ["Disclosed", "Distances", "disclosed", "distances"]

TRIED = 200
"""Rows on which is seen which measures of disclosure there are."""


@dataclass(frozen=True, eq=False)
class _Halves:
    """The rows that a bootstrap sample has and those that it lacks, as measures take them."""

    coding: Coding
    real: Rows

    @classmethod
    def of(cls, original: Arm, kept: Sequence[str]) -> _Halves:
        """Of the columns that no variant keeps as they are."""
        frame = original.frames[0].drop(columns=list(kept))
        kinds = as_specs({name: {"kind": original.table[name].kind} for name in map(str, frame)})
        coding = compare_schemas(frame, [frame], kinds).coding
        return cls(coding, coding.rows(frame))

    def split(self, arm: Arm) -> tuple[Rows, Rows]:
        """The rows of the sample, each once, and the others."""
        taken = (arm.sample or arm).sets[0].rows
        inside = np.isin(np.arange(len(self.real)), taken)
        return self.real.take(inside), self.real.take(~inside)

    def sets(self, arm: Arm) -> list[Rows]:
        """The sets of a variant."""
        return [self.coding.rows(frame) for frame in arm.frames]


@dataclass(frozen=True, eq=False)
class Distances:
    """Measures of utility: of the sets, or of the sample, and the rows that the sample left out."""

    head: Head
    halves: _Halves

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        inside, outside = self.halves.split(arm)
        rng_of = streams_of(arm.seed, "study", arm.replicate)
        # As many rows of each: a distance falls with their number, also where nothing differs.
        sets = [inside]
        if not arm.is_sample:
            sets = [some(one, len(inside), rng_of("rows", i)) for i, one in enumerate(self.halves.sets(arm))]
        found = [means(outside, one, self.head.terms, rng_of) for one in sets]
        figures = np.array([[one[name] for name in self.head.terms] for one in found])
        return {self.head.name: figures.mean(axis=0)[None, :]}


@dataclass(frozen=True, eq=False)
class Disclosed:
    """Measures of disclosure of a variant's sets, beside what they tell of rows that they were not made of."""

    head: Head
    halves: _Halves
    keys: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        if arm.is_sample:
            return {}
        inside, outside = self.halves.split(arm)
        found = given_away(
            inside,
            self.halves.sets(arm),
            self.head.terms,
            streams_of(arm.seed, "study", arm.replicate),
            keys=self.keys,
            targets=self.targets,
            holdout=outside if len(outside) else None,
        )
        return {self.head.name: np.array([found[name] for name in self.head.terms]).T}


def distances(name: str, title: str | None, measures: Sequence[str], original: Arm, kept: Sequence[str]) -> Distances:
    """Utility by these measures, of all columns but those that are kept.

    Raises
    ------
    SpecError
        If there is no measure of such a name.
    """
    _known(measures, NAMES, "utility")
    head = Head(name, title, "utility", *_rows(measures), ("estimate",), None)
    return Distances(head, _Halves.of(original, kept))


def disclosed(
    name: str,
    title: str | None,
    measures: Sequence[str],
    original: Arm,
    kept: Sequence[str],
    keys: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> Disclosed:
    """Disclosure by these measures, with keys that an intruder knows and targets that are wanted.

    Raises
    ------
    SpecError
        If there is no measure of such a name, or none without keys or targets; or one of these is no column.
    """
    halves = _Halves.of(original, kept)
    for column in (*keys, *targets):
        if column not in halves.coding.names:
            near = nearest(column, halves.coding.names)
            raise SpecError(f"there is no column {column!r} that is synthesized{near}", need="columns of the table")
    both = [column for column in keys if column in targets]
    if both:
        raise SpecError(f"{both[0]!r} is both a key and a target", fix="take it out of one of them")
    # What there is depends on the keys and targets: some rows show it.
    some = halves.real.take(np.resize(np.arange(len(halves.real)), TRIED))
    half, other = some.take(np.arange(0, TRIED, 2)), some.take(np.arange(1, TRIED, 2))
    rng_of = streams_of(original.seed, "study")
    known = given_away(half, [half], None, rng_of, keys=keys, targets=targets, holdout=other)
    needs = "" if keys and targets else "; measures of identities and attributes need keys, or keys and targets"
    _known(measures, tuple(known), "disclosure", needs)
    head = Head(name, title, "disclosure", *_rows(measures), ("estimate", "baseline"), None, sample=False)
    return Disclosed(head, halves, tuple(keys), tuple(targets))


def _known(measures: Sequence[str], names: Sequence[str], of: str, needs: str = "") -> None:
    for one in measures:
        if one not in names:
            raise SpecError(
                f"there is no measure of {of} {one!r}{nearest(one, names)}", need=f"some of {', '.join(names)}{needs}"
            )
    if len(set(measures)) < max(len(measures), 1):
        raise SpecError("no measure is named, or one twice", need="measures, each once")


def _rows(measures: Sequence[str]) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    return tuple(measures), tuple({"measure": one} for one in measures)
