"""What the release says of a target to somebody who knows the keys of a record.

In the notation of Raab, Nowok and Dibben (2024): d and s count real and synthetic records by class q of the keys and
level t of the target. A class is unanimous where all its records have one level. The measures of Taub and Elliot (2019)
average the share of the level among the release's records of the class (DCAP), or take unanimous classes only (TCAP).

A release that says "all women of 70 are retired" discloses nothing of a record, but a fact of the population. So what
it says of real records is set beside what it says of records that were not synthesized: those of a holdout, or each
real record with all others as the release. `trivial` names such facts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.disclosure.combinations import Aligned
from replicant.disclosure.comparison import Share, compared
from replicant.disclosure.leave_one_out import Draw
from replicant.evaluation.figure import Figure, plain
from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["Target", "Trivial", "attribute", "counted", "disclosed_cells", "trivial"]

ONE_LEVEL = (50, 90)
"""More records disclosed than this, of which more than this percentage have the same level."""

TWO_WAY = (4, 80)
"""A disclosed cell of more records than this, where more than this percentage of a key's level have that target."""


LARGER = 1.05
"""A set of more rows than this, as a multiple of the real table's, says more than the other real records can."""


@dataclass(frozen=True)
class Target:
    """How a target is taken.

    Attributes
    ----------
    missing
        Code of its missing cells: records with it are left out, of both tables (but count in the size of the table).
        None: missing is a level like others.
    uncounted
        Codes of levels whose disclosure harms nobody ("no"): they take part in whether a class is unanimous, and their
        records do not count.
    largest
        Cells of more records than this do not count either; None: all do.
    """

    missing: int | None = None
    uncounted: Collection[int] = ()
    largest: int | None = None


@dataclass(frozen=True, eq=False)
class _Crossed:
    """One table by class and level: the records that count, and shares of levels within the class.

    `share` is among all records of the class, `among` among those that count; zero where there are none.
    """

    tables: Aligned
    n: int
    counted: Integers
    share: Floats
    among: Floats

    def by_class(self, values: NDArray[Any]) -> NDArray[Any]:
        return self.tables.by_class(values)

    def spread(self, by_class: NDArray[Any]) -> NDArray[Any]:
        """Values of classes, at each of their cells."""
        return by_class[self.tables.classes]


def attribute(tables: Aligned, target: Target | None = None, *, of: str = "") -> list[Figure]:
    """Disclosure of one target by the keys.

    Parameters
    ----------
    tables
        Counts of the keys' combinations crossed with the target.
    target
        How the target is taken.
    of
        Its name.

    Returns
    -------
    list of Figure
        Of the tables alone: `known_in_real` (Dorig), `known_in_release` (Dsyn), the shares of records in unanimous
        classes; `base_cap` (sum of squared shares of levels), `cap_real`, `cap_release`.
        Of both: `keys_in_release` (iS), real records whose class the release has; `unanimous_in_release` (DiS), where
        it is unanimous; `disclosed` (DiSCO), where it is so with the record's own level; `disclosed_in_both` (DiSDiO),
        where the real class is as well; `dcap`; `tcap`, `disclosed` as a share of `keys_in_release`; `largest_cell`
        and `mean_cell`, records of the disclosed cells. A rise of `disclosed`, `dcap` or `tcap` beyond the baseline
        means that the release knows more of its own records than of others. There is no baseline without a holdout
        where the sets have more rows than the real table.
    """
    target = Target() if target is None else target
    real, sets = _crossed(tables, tables.real, target), [_crossed(tables, one, target) for one in tables.sets]
    whole, n = tables.by_class(tables.real).astype(np.float64), int(tables.real.sum())
    levels = np.bincount(tables.targets, weights=tables.real, minlength=1)
    figures = [
        plain("known_in_real", [_ratio(real.counted[real.share == 1].sum(), n)], of=of),
        plain("known_in_release", [_ratio(one.counted[one.share == 1].sum(), one.n) for one in sets], of=of),
        plain("base_cap", [_ratio((levels**2).sum(), n * n)], of=of),
        plain("cap_real", [_ratio((real.counted * real.among).sum(), n)], of=of),
        plain("cap_release", [_ratio((one.counted * one.among).sum(), one.n) for one in sets], of=of),
    ]
    if tables.holdout is None:
        kept, k = _kept(tables, tables.real, target), int(np.mean([one.n for one in sets]))
        expected = _leave_one_out(real, kept, whole, k) if k <= LARGER * n else {}
    else:
        fresh = _crossed(tables, tables.holdout, target)
        # The real class of a record of the holdout, were it a real one, is unanimous also where it is empty.
        empty = real.by_class(real.share) == 0
        joined = np.where(real.spread(empty), 1.0, real.share)
        all_fresh = tables.by_class(tables.holdout).astype(np.float64)
        expected = _mean([_against(one, fresh.counted, all_fresh, joined) for one in sets])
    found = [_against(one, real.counted, whole, real.share) for one in sets]
    for measure in found[0]:
        figures.append(
            compared(
                measure,
                [one[measure] for one in found],
                expected.get(measure),
                of=of,
                informs=measure in ("keys_in_release", "unanimous_in_release"),
                kind="leave_one_out" if tables.holdout is None else "holdout",
            )
        )
    cells = [real.counted[(one.share == 1) & (real.counted > 0)] for one in sets]
    figures.append(plain("largest_cell", [float(one.max(initial=0)) for one in cells], of=of))
    figures.append(plain("mean_cell", [float(one.mean()) if len(one) else math.nan for one in cells], of=of))
    return figures


def disclosed_cells(tables: Aligned, target: Target | None = None) -> Iterator[NDArray[np.bool_]]:
    """(c,) For each set, the cells of which the release says, rightly, that all of their class have that level."""
    target = Target() if target is None else target
    real = _crossed(tables, tables.real, target)
    for one in tables.sets:
        yield (_crossed(tables, one, target).share == 1) & (real.counted > 0)


def counted(tables: Aligned, counts: Integers, target: Target) -> Integers:
    """(c,) The records of a table that count."""
    kept = _kept(tables, counts, target)
    if target.uncounted:
        kept = np.where(np.isin(tables.targets, list(target.uncounted)), 0, kept)
    return kept if target.largest is None else np.where(kept > target.largest, 0, kept)


def _kept(tables: Aligned, counts: Integers, target: Target) -> Integers:
    return counts if target.missing is None else np.where(tables.targets == target.missing, 0, counts)


def _crossed(tables: Aligned, counts: Integers, target: Target) -> _Crossed:
    kept, count = _kept(tables, counts, target), counted(tables, counts, target)
    shares = [one / np.maximum(tables.by_class(one)[tables.classes], 1) for one in (kept, count)]
    return _Crossed(tables, int(counts.sum()), count, *shares)


def _against(release: _Crossed, records: Integers, whole: Floats, real: Floats) -> dict[str, Share]:
    """What one set says of certain records, `whole` of each class, as sums over classes."""
    present = release.by_class(release.share) > 0
    unanimous = release.by_class(release.share == 1) > 0
    right = records * (release.share == 1)
    cells = {
        "keys_in_release": records * release.spread(present),
        "unanimous_in_release": records * release.spread(unanimous),
        "disclosed": right,
        "disclosed_in_both": right * (real == 1),
        "dcap": records * release.among,
        "seen": records * release.spread(release.by_class(release.among) > 0),
    }
    return _with_tcap({measure: Share(release.by_class(one * 1.0), whole) for measure, one in cells.items()})


def _leave_one_out(real: _Crossed, kept: Integers, whole: Floats, k: int) -> dict[str, Share]:
    """What the other real records, k of them, say of each: expectations over which are drawn.

    A class whose other records are `a`, `b` of them with the record's own level, is seen if one of `a` is drawn, and
    unanimous with that level if none of the `a - b` others is.
    """
    draw = Draw(int(whole.sum()) - 1, k)
    total = real.spread(real.by_class(kept))
    a, b = np.maximum(total - 1, 0), np.maximum(kept - 1, 0)
    unseen = draw.none_of(a)
    counting = np.maximum(real.spread(real.by_class(real.counted)) - 1, 0)
    seen_counting = 1 - draw.none_of(counting)
    right = draw.none_of(a - b) - unseen
    # That the class is unanimous with a certain level not one's own: of all such levels together, less one's own.
    other = np.where(kept > 0, draw.none_of(np.maximum(a - kept, 0)) - unseen, 0.0)
    any_level = real.spread(real.by_class(other)) - other + right
    cells = {
        "keys_in_release": real.counted * (1 - unseen),
        "unanimous_in_release": real.counted * any_level,
        "disclosed": real.counted * right,
        "dcap": real.counted * (np.maximum(real.counted - 1, 0) / np.maximum(counting, 1)) * seen_counting,
        "seen": real.counted * seen_counting,
    }
    return _with_tcap({measure: Share(real.by_class(one), whole) for measure, one in cells.items()})


def _with_tcap(found: dict[str, Share]) -> dict[str, Share]:
    seen = found.pop("seen")
    return found | {"tcap": Share(found["disclosed"].top, seen.top)}


def _mean(found: list[dict[str, Share]]) -> dict[str, Share]:
    return {
        measure: Share(
            np.mean([one[measure].top for one in found], axis=0),
            np.mean([one[measure].bottom for one in found], axis=0),
        )
        for measure in found[0]
    }


def _ratio(part: float, whole: float) -> float:
    return float(part) / whole if whole else math.nan


@dataclass(frozen=True)
class Trivial:
    """Disclosures that are facts of the population.

    Attributes
    ----------
    level
        Code of the level that nearly all disclosed records have; None if there is none.
    pairs
        (key's position, key's code, target's code) where most of all real records with that level of the key have that
        level of the target anyway, so that no other key is needed.
    """

    level: int | None
    pairs: tuple[tuple[int, int, int], ...]


def trivial(
    tables: Aligned,
    target: Target | None = None,
    *,
    one_level: tuple[float, float] = ONE_LEVEL,
    two_way: tuple[float, float] = TWO_WAY,
) -> list[Trivial]:
    """What of each set's disclosure (`disclosed`) anybody knows who knows the population.

    Parameters
    ----------
    tables
        Counts of the keys' combinations, with their codes, crossed with the target.
    target
        How the target is taken.
    one_level, two_way
        Thresholds: see `ONE_LEVEL` and `TWO_WAY`, which are those of synthpop.
    """
    if tables.codes is None:
        raise ValueError("the counts hold no codes of the keys: count them with codes=")
    target = Target() if target is None else target
    real = _crossed(tables, tables.real, target)
    keys = range(tables.codes.shape[1])
    common = [_common(tables, tables.codes[:, key], two_way[1]) for key in keys]
    found = []
    for cells in disclosed_cells(tables, target):
        records = np.bincount(tables.targets[cells], weights=real.counted[cells], minlength=1)
        most, total = int(records.argmax()), float(records.sum())
        dominant = records[most] > one_level[0] and 100 * records[most] > one_level[1] * total
        large = cells & (real.counted > two_way[0])
        pairs = []
        for key in keys:
            flagged = large & common[key]
            codes, levels = tables.codes[flagged, key].tolist(), tables.targets[flagged].tolist()
            pairs += [(key, *pair) for pair in sorted({*zip(codes, levels, strict=True)})]
        found.append(Trivial(most if dominant else None, tuple(pairs)))
    return found


def _common(tables: Aligned, codes: Integers, percentage: float) -> NDArray[np.bool_]:
    """(c,) Whether a cell's level of the target is that of more than a percentage of the real records with its code."""
    _, code = np.unique(codes, return_inverse=True)
    whole = np.bincount(code, weights=tables.real)[code]
    _, pair = np.unique(code * (int(tables.targets.max(initial=0)) + 1) + tables.targets, return_inverse=True)
    same = np.bincount(pair, weights=tables.real)[pair]
    return np.asarray(100 * same > percentage * whole)
