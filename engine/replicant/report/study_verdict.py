"""What a study comes to: whether intervals of the models cover the truth as often as they claim, in sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from replicant.report.study_view import Arm, Study
from replicant.view.figures import number

__all__ = ["Finding", "Verdict", "verdict"]

# How several arms are described together, from good to bad.
_TONES = {
    "good": "valid for these models under {}",
    "wide": "valid but wider than necessary under {}",
    "mixed": "valid on average, but not for every term, under {}",
    "edge": "at the edge of what counts as valid under {}",
    "model": "as far off as those of the real samples under {}",
    "few": "not to be judged by so few replicates under {}",
    "bad": "not valid under {}",
}


@dataclass(frozen=True)
class Finding:
    """What the intervals of one arm show: its tone, one of the keys above, and sentences."""

    label: str
    tone: str
    sentence: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The sentence at the top, its tone, and the findings behind it."""

    sentence: str
    tone: str
    findings: tuple[Finding, ...]


def verdict(study: Study) -> Verdict:
    """Judge every synthetic arm by the mean coverage of its models' intervals.

    Coverage is valid where the whole Monte-Carlo interval about it, two errors to each side, lies within half the
    nominal error about the level: 0.925 to 0.975 for 0.95 (the liberal criterion of Bradley 1978, *British Journal of
    Mathematical and Statistical Psychology* 31, 144-152).
    """
    known = [found for arm in study.variants if (found := _finding(study, arm)) is not None]
    if not known:
        return Verdict("No model was estimated, so this study does not judge intervals.", "few", ())
    if len(known) == 1:
        return Verdict(known[0].sentence, known[0].tone, tuple(known))
    tones = [tone for tone in _TONES if any(found.tone == tone for found in known)]
    parts = [_TONES[tone].format(_listed([one.label for one in known if one.tone == tone])) for tone in tones]
    sentence = f"{100 * study.level:g} % intervals are {'; '.join(parts)}."
    return Verdict(sentence, tones[0] if len(tones) == 1 else "mixed", tuple(known))


def _finding(study: Study, arm: Arm) -> Finding | None:
    coverage = study.figure(arm, "coverage")
    if coverage is None:
        return None
    level, half = study.level, (1 - study.level) / 2
    reach = 2 * (study.figure(arm, "coverage_error") or _perfect(study))
    low, high = max(0.0, coverage - reach), min(1.0, coverage + reach)
    floor, ceiling = level - half, level + half
    covers = f"{100 * level:g} % intervals cover {number(coverage, 3)} ({number(low, 3)} to {number(high, 3)})"
    models = "these models" if len(study.of("model")) > 1 else "this model"
    details = _details(study, arm, floor)
    if floor <= low and high <= ceiling:
        if details and details[0].startswith("Of "):
            return Finding(arm.label, "mixed", f"{covers}: valid on average, but not for every term.", details)
        return Finding(arm.label, "good", f"{covers}: valid for {models}.", details)
    if high < floor:
        return _short(study, arm, coverage, reach, covers, details)
    if low > ceiling:
        return Finding(arm.label, "wide", f"{covers}: valid for {models}, but wider than necessary.", details)
    if reach > half:
        needed = study.replicates * (2 * reach / half) ** 2
        digits = 10 ** max(0, math.floor(math.log10(max(needed, 1.0))) - 1)
        more = f"about {math.ceil(needed / digits) * digits:,} would be enough"
        few = f"{study.replicates:,} replicate{'s are' if study.replicates != 1 else ' is'} too few to say"
        what = "whether that is valid" if high < level or low > level else "whether they are valid"
        return Finding(arm.label, "few", f"{covers}: {few} {what}; {more}.", details)
    edge = f"at the edge of what counts as valid, {floor:g} to {ceiling:g}"
    return Finding(arm.label, "edge", f"{covers}: {edge}.", details)


def _short(study: Study, arm: Arm, coverage: float, reach: float, covers: str, details: tuple[str, ...]) -> Finding:
    """Of intervals that cover too little: whether those of the real samples do so too."""
    own = None if study.real is None else study.figure(study.real, "coverage")
    if study.real is not None and own is not None:
        error = 2 * (study.figure(study.real, "coverage_error") or _perfect(study))
        if coverage >= own - math.hypot(reach, error):
            why = f"too little, but no less than those of the real samples ({number(own, 3)})"
            return Finding(arm.label, "model", f"{covers}: {why}; the models do not fit such samples.", details)
    models = "these models" if len(study.of("model")) > 1 else "this model"
    return Finding(arm.label, "bad", f"{covers}: not valid for {models}, too short or off centre.", details)


def _perfect(study: Study) -> float:
    """The Monte-Carlo error of an interval that covers at its level."""
    return math.sqrt(study.level * (1 - study.level) / max(study.replicates, 1))


def _details(study: Study, arm: Arm, floor: float) -> tuple[str, ...]:
    """Terms that are covered too little beyond doubt, and fits that failed."""
    covered = [
        (value, value + 3 * max(estimand.error(term, arm, "coverage") or 0.0, _perfect(study)), term, estimand.title)
        for estimand in study.of("model")
        for term in estimand.terms
        if (value := estimand.value(term, arm, "coverage")) is not None
    ]
    below = [found for found in covered if found[1] < floor]
    found = []
    if below:
        value, _, term, title = min(below)
        found.append(
            f"Of {len(covered):,} terms {len(below):,} {'are' if len(below) > 1 else 'is'} covered clearly less often "
            f"than {floor:g}; the lowest is {term} ({title}), {number(value, 3)}."
        )
    failed = int(study.figure(arm, "failed") or 0)
    if failed:
        terms = "estimate of a term has" if failed == 1 else "estimates of terms have"
        found.append(f"{failed:,} {terms} no result and {'is' if failed == 1 else 'are'} left out.")
    return tuple(found)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
