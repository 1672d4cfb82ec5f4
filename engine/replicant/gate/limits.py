"""The checks of the gate, and what each tier allows: data, printed by pages and documents from here.

A limit is compared with one end of a 95 % interval. Where it leaves something to measure, the upper end has to be below
it: the release must show that it keeps the limit. Where it is 0, or where what is judged is utility, no interval can be
below it, and the other end counts: the release is withheld if it is shown to be above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from replicant.errors import SpecError, nearest
from replicant.spec.gate import DONORS, Tier

__all__ = ["CHECKS", "NAMES", "TIERS", "Limit", "Rule", "Tier", "check_limits", "check_tier", "limit_text", "limits_of"]

TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True)
class Rule:
    """One check: what is limited, by tier.

    Attributes
    ----------
    name, title
        Its name in jobs and records, and in words.
    measures
        Figures of `rp.disclosure` or `rp.utility` that it reads, as beginnings of their names.
    limits
        By tier; None: it is reported and not judged.
    text
        How a limit reads: `at most {}`.
    source
        Who asks for such a limit.
    judgement
        Tiers whose limit is the judgement of this program's authors.
    least
        Whether a limit is the least that is needed, not the most that is allowed.
    """

    name: str
    title: str
    measures: tuple[str, ...]
    limits: Mapping[str, float | None]
    text: str
    source: str
    judgement: tuple[str, ...] = ()
    least: bool = False


def _rule(
    name: str,
    title: str,
    measures: str,
    limits: tuple[float | None, float | None, float | None],
    text: str,
    source: str,
    judgement: str = "",
    *,
    least: bool = False,
) -> Rule:
    return Rule(
        name,
        title,
        tuple(measures.split()),
        dict(zip(TIERS, limits, strict=True)),
        text,
        source,
        tuple(judgement.split()),
        least,
    )


BEYOND = "at most {} beyond the control"

CHECKS: dict[str, Rule] = {
    one.name: one
    for one in (
        _rule(
            "match_probability",
            "Match probability of a record",
            "match_together class_match_cumulative",
            (0.09, 0.20, 0.33),
            "at most {} on average, by itself or beyond the control",
            "1/11: El Emam, and practice of the European Medicines Agency; 1/5 and 1/3: IHSN",
        ),
        _rule(
            "distinct_donors",
            "Distinct donors behind a value",
            "",
            (DONORS["public"], DONORS["safeguarded"], DONORS["secure"]),
            "at least {}",
            "10: ACRO and UK LLC; 5: IHSN; 3: Handbook on Statistical Disclosure Control",
            least=True,
        ),
        _rule(
            "copied_unique_records",
            "Copies of unique records",
            "copied_unique_rows copied_records_cumulative",
            (0.0, 0.001, None),
            BEYOND,
            "riskutility",
            "safeguarded",
        ),
        _rule(
            "singling_out",
            "Singling out",
            "singled_out",
            (0.05, 0.09, 0.20),
            BEYOND,
            "0.09: NICS and riskutility",
            "public secure",
        ),
        _rule(
            "linkability",
            "Linkability",
            "linked",
            (0.05, 0.09, 0.20),
            BEYOND,
            "0.09: NICS and riskutility",
            "public secure",
        ),
        _rule(
            "inference",
            "Inference of attributes",
            "inference_",
            (0.05, 0.09, 0.20),
            BEYOND,
            "0.09: NICS and riskutility",
            "public secure",
        ),
        _rule(
            "membership",
            "Recognition of members",
            "membership_auc",
            (0.55, 0.60, None),
            "area under the curve of the best attack at most {}",
            "SoK of synthetic tables (2606.08372): trees .56 to .60, differential privacy .50",
            "public safeguarded",
        ),
        _rule(
            "memorisation",
            "Memorisation gap",
            "membership_auc_distance",
            (0.0, 0.02, 0.05),
            "synthesized records nearer than others in at most {} more than half of the comparisons",
            "SoK of synthetic tables (2606.08372): trees 1.6 points",
            "safeguarded secure",
        ),
        _rule(
            "attribute_disclosure",
            "Attributes disclosed by keys",
            "dcap disclosed",
            (1.1, 1.5, None),
            "at most {} times the control",
            "riskutility",
            "public",
        ),
        _rule(
            "confident_guesses",
            "Confident guesses",
            "confident_guesses",
            (0.05, 0.15, None),
            BEYOND,
            "riskutility; RAPID (2602.09235)",
            "public",
        ),
        _rule(
            "canaries",
            "Canaries found",
            "canaries_found",
            (0.0, 0.0, 0.0),
            BEYOND,
            "Carlini et al. 2019: what nobody has must not come back",
        ),
        _rule("rules", "Rules broken", "", (0, 0, 0), "{} rows", "the job's own rules"),
        _rule("schema", "Differences of schema", "", (0, 0, 0), "{} columns", "the codebook"),
        _rule(
            "population",
            "People behind keys",
            "",
            (1000, 100, None),
            "at least {} behind a combination of keys",
            "Statistics Netherlands: 200,000 behind a value and 1,000 behind a pair; 100 behind a triple",
            least=True,
        ),
        _rule(
            "pair_utility",
            "Utility of pairs",
            "s_pmse_twoway",
            (10, 3, 3),
            "scaled pMSE at most {}",
            "synthpop: above 10 poor, below 3 good",
        ),
        _rule(
            "k_marginal",
            "All pairs together",
            "subsample_share",
            (0.30, None, None),
            "as close as a random {} of the real rows",
            "NIST's score, as the subsample that is as close",
            "public",
            least=True,
        ),
    )
}
NAMES = tuple(CHECKS)


@dataclass(frozen=True)
class Limit:
    """What a check allows in one gate.

    Attributes
    ----------
    limit
        None: nothing is judged.
    changed
        Whether it was set in place of that of the tier.
    tier_limit
        That of the tier.
    reason
        Why another one was set.
    """

    limit: float | None
    changed: bool = False
    tier_limit: float | None = None
    reason: str = ""


def check_tier(tier: object) -> Tier:
    """A tier by its name.

    Raises
    ------
    SpecError
        There is none of that name.
    """
    for one in TIERS:
        if tier == one:
            return one
    raise SpecError(f"{tier!r} is no tier{nearest(str(tier), TIERS)}", need=f"one of {', '.join(TIERS)}")


def check_limits(tier: Tier, limits: Mapping[str, Any] | None) -> dict[str, Limit]:
    """The limits of a gate: those of the tier, and those that were set instead.

    Parameters
    ----------
    tier
        Of the release.
    limits
        By check a number, or `{"limit": number, "reason": text}`. One that allows more than the tier needs a reason.

    Raises
    ------
    SpecError
        A check is unknown, a limit is no number, or a reason is lacking.
    """
    found = {name: Limit(rule.limits[tier]) for name, rule in CHECKS.items()}
    for name, said in (limits or {}).items():
        if name not in CHECKS:
            raise SpecError(
                f"limits name {name!r}, which is no check{nearest(str(name), NAMES)}",
                need=f"some of {', '.join(NAMES)}",
            )
        number, reason = (said.get("limit"), said.get("reason", "")) if isinstance(said, Mapping) else (said, "")
        if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
            raise SpecError(
                f"the limit of {name} is {number!r}",
                need="a number that is not below 0, or {limit: number, reason: text}",
            )
        usual = CHECKS[name].limits[tier]
        looser = usual is not None and (number < usual if CHECKS[name].least else number > usual)
        if looser and not str(reason).strip():
            raise SpecError(
                f"the limit of {name} is {number:g}, where the tier {tier!r} has {usual:g}: that allows more",
                need="a reason, which stands in the manifests beside the limit",
                fix=f'write {name}: {{limit: {number:g}, reason: "..."}}',
            )
        if number != usual:
            found[name] = Limit(float(number), changed=True, tier_limit=usual, reason=str(reason).strip())
    return found


def limits_of(tier: Tier) -> list[dict[str, Any]]:
    """What a tier asks for, a row for each check; for pages and documents."""
    return [
        {
            "check": rule.name,
            "title": rule.title,
            "limit": rule.limits[tier],
            "limit_text": limit_text(rule, rule.limits[tier]),
            "source": rule.source,
            "judgement": tier in rule.judgement,
        }
        for rule in CHECKS.values()
    ]


def limit_text(rule: Rule, limit: float | None) -> str:
    """A limit in words."""
    if limit is None:
        return "reported, not judged"
    return rule.text.format(f"{limit:,g}" if limit < 1 or limit >= 1000 else f"{limit:g}")
