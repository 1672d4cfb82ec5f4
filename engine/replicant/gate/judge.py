"""From evidence to a verdict on one check.

A small table has wide intervals: even a fresh sample of the population, which gives nothing away, could not show that
it is below a limit. It must not be withheld for that, and it is not called safe either. So there are three outcomes:

- *failed*, where the estimate is above the limit and above what a release that gives nothing away shows, beyond chance;
  or where the interval is short enough that such a release would be below the limit, and this one is not;
- *passed*, where the interval is below the limit;
- *not judged*, where it is not, and is too long: the record says how many more records are needed.

All that a check looks at is judged together (Bonferroni), so that a release that gives nothing away fails a check in
one of a few hundred cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from scipy import stats

from replicant.gate.evidence import Evidence, Z
from replicant.gate.limits import CHECKS, Limit, Rule, limit_text

__all__ = ["Check", "Outcome", "judge", "of_count", "without"]

Outcome: TypeAlias = Literal["passed", "failed", "not_judged", "not_applicable", "overridden", "reported"]

ALPHA = 0.003
"""How often a check calls chance a leak, at most."""

_TELLING = 6
"""Figures that a check names, the worst first."""


@dataclass(frozen=True)
class Check:
    """One check with its verdict.

    Attributes
    ----------
    name, title
        What is checked.
    verdict
        `passed`, `failed`, `not_judged`, `not_applicable`, `overridden` or `reported`.
    limit, limit_text
        What is allowed; None where it is reported only.
    source, judgement
        Who asks for the limit, and whether it is the judgement of this program's authors.
    changed
        The tier's limit and the reason, where another one was set.
    why
        One sentence without a figure of disclosure.
    value, low, high, end
        The estimate that decided, its interval, and which end is compared with the limit. Confidential.
    of, figures
        What it is of, and the names of the figures that are above the limit. Confidential.
    """

    name: str
    title: str
    verdict: Outcome
    limit: float | None
    limit_text: str
    source: str
    judgement: bool
    changed: dict[str, Any] | None = None
    why: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    end: Literal["high", "low", ""] = ""
    of: str = ""
    figures: tuple[str, ...] = ()

    @classmethod
    def of_rule(cls, rule: Rule, tier: str, limit: Limit) -> Check:
        """A check before it is judged."""
        changed = {"tier_limit": limit.tier_limit, "reason": limit.reason} if limit.changed else None
        text = limit_text(rule, limit.limit)
        judgement = tier in rule.judgement and not limit.changed
        return cls(rule.name, rule.title, "reported", limit.limit, text, rule.source, judgement, changed)

    def public_dict(self) -> dict[str, Any]:
        """What may stand in a release: no exact figure of disclosure, which could itself be used in attacks."""
        return {
            "check": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "limit": self.limit,
            "limit_text": self.limit_text,
            "source": self.source,
            "judgement": self.judgement,
            "changed": self.changed,
            "why": self.why,
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, for the owner of the data."""
        numbers = {name: _plain(getattr(self, name)) for name in ("value", "low", "high")}
        return {**self.public_dict(), **numbers, "end": self.end, "of": self.of, "figures": list(self.figures)}


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def without(check: Check, outcome: Outcome, why: str) -> Check:
    """A check that there is nothing to judge of."""
    return replace(check, verdict=outcome, why=why)


def of_count(check: Check, count: float, why: str, *, of: str = "", figures: Sequence[str] = ()) -> Check:
    """A check of what is counted, and has no interval; `why` is said if it fails."""
    least = CHECKS[check.name].least
    known = replace(check, value=count, low=count, high=count, end="low" if least else "high", of=of)
    if check.limit is None:
        return known
    failed = count < check.limit if least else count > check.limit
    return replace(
        known,
        verdict="failed" if failed else "passed",
        why=why if failed else "",
        figures=tuple(figures[:_TELLING]) if failed else (),
    )


def judge(check: Check, found: Sequence[Evidence], *, shown: bool = False) -> Check:
    """A check of estimates.

    Parameters
    ----------
    check
        Before it is judged.
    found
        At least one.
    shown
        Whether the release is withheld only if it is shown to be above the limit, as for utility.
    """
    limit, least = check.limit, CHECKS[check.name].least
    if limit is None:
        worst = max(found, key=lambda one: -one.value if least else one.value)
        return _with(check, worst, "low" if least else "high")
    known = [one for one in found if one.known]
    level = ALPHA / max(len(found), 1)
    above = [one for one in known if _above(one, limit, level, least)]
    shown = shown or limit <= max((one.nothing for one in known), default=0.0)
    end: Literal["high", "low"] = "high" if shown == least else "low"
    unsure: list[Evidence] = []
    if not shown:
        far = [one for one in found if one.high > limit and one not in above]
        tight = [one for one in far if one.known and _reach(one, level) <= limit - one.nothing]
        unsure = [one for one in far if one not in tight]
        above += tight
    if above:
        worst = max(above, key=lambda one: _distance(one, limit, least))
        order = sorted(above, key=lambda one: -_distance(one, limit, least))
        names = dict.fromkeys(f"{one.measure} {one.of}".strip() for one in order)
        things = ", ".join(dict.fromkeys(one.of for one in order if one.of))
        why = f"it is {'below' if least else 'above'} the limit{' of ' + things if things else ''}"
        return replace(_with(check, worst, end), verdict="failed", why=why, figures=tuple(names)[:_TELLING])
    if not unsure:
        worst = max(found, key=lambda one: -one.value if least else (one.value if shown else one.high))
        return replace(_with(check, worst, end), verdict="passed")
    worst = max(unsure, key=lambda one: one.high)
    return replace(_with(check, worst, end), verdict="not_judged", why=_unsure(unsure, limit, level))


def _unsure(unsure: Sequence[Evidence], limit: float, level: float) -> str:
    if any(not one.known for one in unsure):
        return (
            "without a holdout, what the release gives away cannot be told apart from what holds of anybody; "
            "`holdout` holds real rows out"
        )
    width = max(_reach(one, level) / (limit - one.nothing) if limit > one.nothing else math.inf for one in unsure)
    # Intervals shrink with the root of the number of records. The interval of a ratio may have no end.
    more = "many times" if not width < 30 else f"about {width**2:.0f} times" if width**2 >= 2 else "twice"
    return f"too few records to show that it is below the limit; not above it beyond chance: it takes {more} as many"


def _above(one: Evidence, limit: float, level: float, least: bool) -> bool:
    """Whether the estimate is above the limit, and above nothing beyond chance."""
    beyond = one.value < limit if least else one.value > limit
    p = one.p if one.p is not None else 0.0 if one.low > one.nothing and one.low < one.value else 1.0
    return beyond and p <= level


def _reach(one: Evidence, level: float) -> float:
    """How far below the limit nothing has to be so that, but for chance at a level, the interval is below it, too."""
    return (one.high - one.value) * (1 + float(stats.norm.isf(level)) / Z)


def _distance(one: Evidence, limit: float, least: bool) -> float:
    return limit - one.value if least else one.value - limit


def _with(check: Check, one: Evidence, end: Literal["high", "low"]) -> Check:
    return replace(check, value=one.value, low=one.low, high=one.high, end=end, of=one.of)
