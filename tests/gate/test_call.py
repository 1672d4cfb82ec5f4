"""The gate: what passes, what is withheld and why, and what it refuses."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.evaluation.figure import against_rate, plain
from replicant.gate.counted import canaries_found
from replicant.gate.evidence import Evidence
from replicant.gate.judge import Check, judge, of_count
from replicant.gate.limits import CHECKS, NAMES, TIERS, Limit, check_limits, limits_of
from replicant.gate.verdict import Verdict

QUESTIONS = {"keys": ["age", "region"], "targets": ["answer"], "effort": "quick", "threads": 1}


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    return pd.DataFrame(
        {
            "age": age,
            "region": rng.choice(list("abcdef"), n),
            "income": np.round(np.exp(rng.normal(7, 0.6, n)) + 10 * age, 0),
            "hours": np.round(rng.normal(38, 6, n), 1),
            "answer": np.where(rng.random(n) < age / 120, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def fresh() -> Verdict:
    return rp.gate(people(600, 1), [people(600, 2)], holdout=people(600, 3), **QUESTIONS)


def test_a_fresh_sample_of_the_population_passes(fresh: Verdict) -> None:
    assert fresh.passed
    assert fresh.outcome == "passed"
    assert [one.name for one in fresh.checks] == list(NAMES)
    assert fresh["distinct_donors"].verdict == "not_judged"
    assert fresh["population"].verdict == "not_applicable"
    assert "Passed" in fresh.text()


def test_few_records_are_said_and_not_held_against_a_release(fresh: Verdict) -> None:
    inference = fresh["inference"]
    assert inference.verdict == "not_judged"
    assert "too few records" in inference.why


def test_the_public_record_has_no_figure_of_disclosure(fresh: Verdict) -> None:
    inside, outside = fresh.as_dict(), fresh.public_dict()
    assert inside["checks"][0]["value"] is not None
    for one in outside["checks"]:
        assert set(one) == {
            *("check", "title", "verdict", "limit", "limit_text"),
            *("source", "judgement", "changed", "why"),
        }
    assert json.loads(json.dumps(inside)) == inside
    assert "<h1>May this go out?" in fresh.to_html()
    assert "May this go out?" in fresh._repr_html_()


@pytest.mark.parametrize(
    ("leak", "reasons"),
    [
        ("shuffled", {"copied_unique_records", "membership", "memorisation", "linkability"}),
        ("one percent", {"copied_unique_records"}),
    ],
)
def test_what_gives_records_away_is_withheld(leak: str, reasons: set[str]) -> None:
    real = people(1500 if leak == "one percent" else 600, 4)
    syn = real.sample(frac=1, random_state=1) if leak == "shuffled" else pd.concat([people(1485, 5), real[:15]])
    found = rp.gate(real, [syn], holdout=people(len(real), 6), **QUESTIONS)
    assert reasons <= set(found.failed)
    assert found.outcome == "withheld"
    assert "Withheld" in found.text()


def test_a_gate_without_a_holdout_says_what_it_cannot_judge() -> None:
    found = rp.gate(people(400, 1), [people(400, 2)], **QUESTIONS)
    assert found.passed
    for name in ("membership", "memorisation"):
        assert found[name].verdict == "not_judged"
        assert "holdout" in found[name].why


def test_a_release_says_how_many_donors_stand_behind_a_value() -> None:
    real = people(300, 1)
    few = rp.gate(real, rp.synthesize(real, m=1, seed=1, minbucket=3), **QUESTIONS)
    assert few["distinct_donors"].verdict == "failed"
    assert few["distinct_donors"].value == 3
    enough = rp.gate(real, rp.synthesize(real, m=1, seed=1, min_donors=10), **QUESTIONS)
    assert enough["distinct_donors"].verdict == "passed"


def test_rules_and_columns_are_counted() -> None:
    real, syn = people(300, 1), people(300, 2)
    found = rp.gate(real, [syn.drop(columns="hours")], rules=["age >= 18"], **QUESTIONS)
    assert found["schema"].verdict == "failed"
    assert found["schema"].of == "hours"
    assert found["rules"].verdict == "passed"
    syn.loc[0, "age"] = 7
    broken = rp.gate(real, [syn], rules=["income >= 0", "age >= 18"], **QUESTIONS)["rules"]
    assert (broken.verdict, broken.why) == ("failed", "rows of a set break rule 2")
    assert broken.figures == ("age >= 18",)


def test_levels_that_the_codebook_does_not_declare_are_differences() -> None:
    real, syn = people(300, 1), people(300, 2)
    real = real[real["region"] != "f"]
    declared = {"region": {"levels": list("abcdef")}}
    found = rp.gate(real, [syn], columns=declared, **QUESTIONS)
    assert found["schema"].verdict == "passed"  # declared, and not among the real rows
    syn.loc[3, "region"] = "z"
    found = rp.gate(real, [syn], columns=declared, **QUESTIONS)
    assert (found["schema"].verdict, found["schema"].of) == ("failed", "region")
    assert rp.gate(real, [syn], **QUESTIONS)["schema"].verdict == "passed"


def test_a_single_canary_is_too_many_where_rows_are_never_alike() -> None:
    check, rare, often = check_of("canaries"), plain("copied_rows", [0.0], baseline=0.0), 0.3
    counts = {"planted": 100, "found": 1}
    figures = [against_rate("canaries_found", 0.5, 50, 0, 50)]
    assert canaries_found(check, figures, counts, [rare]).verdict == "failed"
    assert canaries_found(check, figures, {**counts, "found": 0}, [rare]).verdict == "passed"
    assert canaries_found(check, figures, counts, [replace(rare, baseline=often)]).verdict == "passed"
    many = [against_rate("canaries_found", 25, 50, 2, 50)]
    assert canaries_found(check, many, counts, [replace(rare, baseline=often)]).verdict == "failed"
    assert canaries_found(check, [], None, [rare]).verdict == "not_applicable"


def test_the_population_behind_keys() -> None:
    real, syn = people(300, 1), people(300, 2)
    both = pd.concat([real, syn])[["age", "region"]].drop_duplicates()
    many = rp.gate(real, [syn], population=both.assign(count=300_000), **QUESTIONS)
    assert many["population"].verdict == "passed"
    assert many["match_probability"].verdict == "passed"
    few = rp.gate(real, [syn], population=both.assign(count=500), **QUESTIONS)
    assert few["population"].verdict == "failed"
    # One age that few people have is one too many, whatever its neighbours have.
    rare = both.assign(count=np.where(both["age"] == syn.loc[0, "age"], 3, 300_000))
    assert rp.gate(real, [syn], population=rare, **QUESTIONS)["population"].of in ("age", "age x region")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tier": "pubic"}, "no tier, did you mean 'public'"),
        ({"limits": {"membershp": 0.5}}, "no check, did you mean 'membership'"),
        ({"limits": {"membership": 0.7}}, "Needed: a reason"),
        ({"limits": {"membership": "high"}}, "a number"),
        ({"pairs": [["age", "regoin"]]}, "did you mean 'region'"),
        ({"pairs": [["age"]]}, "pairs of columns"),
    ],
)
def test_bad_input_is_refused_with_the_fix(given: dict, says: str) -> None:
    with pytest.raises(rp.SpecError, match=says):
        rp.gate(people(50, 1), [people(50, 2)], **given)


def test_a_looser_limit_stands_in_the_record_with_its_reason() -> None:
    found = check_limits("public", {"membership": {"limit": 0.6, "reason": "few rows"}, "linkability": 0.01})
    assert found["membership"] == Limit(0.6, True, 0.55, "few rows")
    assert found["linkability"].limit == 0.01
    check = Check.of_rule(CHECKS["membership"], "public", found["membership"])
    assert check.public_dict()["changed"] == {"tier_limit": 0.55, "reason": "few rows"}
    assert not check.judgement


@pytest.mark.parametrize("tier", TIERS)
def test_every_limit_has_a_text_and_a_source(tier: str) -> None:
    for row in limits_of(tier):
        assert all([row["limit_text"], row["source"]]), row


def test_the_page_has_the_limits_of_the_program() -> None:
    page = (Path(__file__).resolve().parents[2] / "engine" / "docs" / "gate.md").read_text()
    for rule in CHECKS.values():
        cells = [
            "-" if (limit := rule.limits[tier]) is None else f"{limit:,g}{' [J]' if tier in rule.judgement else ''}"
            for tier in TIERS
        ]
        assert f"| `{rule.name}` | {rule.title} | {' | '.join(cells)} | {rule.source} |\n" in page


def check_of(name: str, tier: str = "public") -> Check:
    return Check.of_rule(CHECKS[name], tier, check_limits(tier, None)[name])


@pytest.mark.parametrize(
    ("name", "tier", "one", "verdict"),
    [
        ("linkability", "public", Evidence("linked", "", 0.0, -0.01, 0.01, p=0.5), "passed"),
        ("linkability", "public", Evidence("linked", "", 0.0, -0.1, 0.1, p=0.5), "not_judged"),
        # Short enough to show it, and not shown.
        ("linkability", "public", Evidence("linked", "", 0.045, 0.035, 0.055, p=1e-9), "failed"),
        ("linkability", "public", Evidence("linked", "", 0.3, 0.1, 0.5, p=1e-4), "failed"),
        ("linkability", "public", Evidence("linked", "", 0.1, -0.1, 0.3, p=0.1), "not_judged"),
        # A limit of 0: shown to be above it, or not.
        ("memorisation", "public", Evidence("a", "", 0.02, -0.01, 0.05, p=0.1), "passed"),
        ("memorisation", "public", Evidence("a", "", 0.02, 0.01, 0.03, p=1e-6), "failed"),
        ("memorisation", "safeguarded", Evidence("a", "", 0.01, 0.009, 0.011, p=1e-6), "passed"),
        ("k_marginal", "public", Evidence("a", "", 0.2, 0.2, 0.2, p=0.4), "passed"),
        ("k_marginal", "public", Evidence("a", "", 0.2, 0.2, 0.2, p=1e-6), "failed"),
        ("membership", "secure", Evidence("a", "", 0.9, 0.8, 0.95, 0.5, p=1e-6), "reported"),
        ("inference", "public", Evidence("a", "", 0.9, 0.8, 0.95, known=False), "not_judged"),
    ],
)
def test_what_an_interval_decides(name: str, tier: str, one: Evidence, verdict: str) -> None:
    utility = name == "k_marginal"
    assert judge(check_of(name, tier), [one], shown=utility).verdict == verdict


def test_what_is_counted_has_no_interval() -> None:
    assert of_count(check_of("distinct_donors"), 10, "few").verdict == "passed"
    assert of_count(check_of("distinct_donors"), 9, "few").verdict == "failed"
    assert of_count(check_of("rules"), 1, "broken").why == "broken"
    assert math.isinf(of_count(check_of("population", "secure"), math.inf, "").value)
