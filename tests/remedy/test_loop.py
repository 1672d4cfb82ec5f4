"""The loop: what is tried and in which order, what is kept, when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from replicant.errors import SpecError
from replicant.evaluation import Figure
from replicant.remedy.ladders import LADDERS, Situation, check_work
from replicant.remedy.loop import Made, Treatment, treat


@dataclass(frozen=True)
class Judged:
    """A verdict as the loop sees it: by how much each check is beyond its limit."""

    beyond: Mapping[str, float]
    s_pmse: float = 1.0

    @property
    def utility(self) -> SimpleNamespace:
        return SimpleNamespace(figures=[Figure("s_pmse_logit", value=self.s_pmse), Figure("auc", value=0.6)])

    @property
    def failed(self) -> list[str]:
        return [name for name, by in self.beyond.items() if by > 1]

    @property
    def passed(self) -> bool:
        return not self.failed

    def __getitem__(self, check: str) -> SimpleNamespace:
        return SimpleNamespace(value=self.beyond[check], high=9.0, end="low", limit=1.0)


def run(
    remedies: list[str],
    rule: Callable[[Treatment], Mapping[str, float]],
    situation: Situation | None = None,
) -> tuple[Any, Any, Treatment, Any]:
    situation = situation or Situation(5, numbers=("x",), nominal=("g",), n=10_000)
    found = treat(
        Treatment(),
        Judged(rule(Treatment())),
        remedies,
        situation,
        make=lambda treatment: Made(treatment, 10, 20),
        judge=lambda treatment: Judged(rule(treatment), 1.0 + 0.1 * len(treatment.settings)),
    )
    return found.sets, found.verdict, found.treatment, found.steps


def test_a_passed_release_is_left_alone() -> None:
    sets, verdict, treatment, steps = run(["redraw"], lambda _: {"membership": 0.9})
    assert verdict.passed
    assert not treatment
    assert not steps
    assert sets == Treatment()


def test_it_ends_as_soon_as_the_gate_passes() -> None:
    found = run(
        ["redraw", "swap"],
        lambda one: {"membership": 1.2 if one.settings.get("min_donors", 0) < 10 else 0.9},
    )
    assert found[1].passed
    assert [(step.remedy, step.kept) for step in found[3]] == [("redraw", False), ("redraw", True)]
    assert found[0] == found[2] == Treatment({"min_donors": 10, "donors": {"distinct": 1}})


def test_what_does_not_help_is_taken_back_and_the_next_is_tried() -> None:
    def rule(one: Treatment) -> Mapping[str, float]:
        return {"copied_unique_records": 0.5 if "swap" in one.rows else 2.0}

    found = run(["smooth", "swap"], rule)
    assert [(step.remedy, step.kept) for step in found[3]] == [("smooth", False), ("swap", True)]
    assert found[2] == Treatment(rows=("swap",))


def test_a_remedy_that_cannot_be_is_left_out_and_the_next_is_tried() -> None:
    def make(one: Treatment) -> Made[Treatment]:
        if "rare" in one.settings:
            raise SpecError("merged so, 'g' has one level")
        return Made(one, 10, 20)

    said: list[str] = []
    first, situation = Treatment(), Situation(5, numbers=("x",), nominal=("g",), n=10_000)

    def judge(one: Treatment) -> Judged:
        return Judged({"copied_unique_records": 0.5 if one.rows else 2.0})

    done = treat(first, judge(first), ["recode", "swap"], situation, make=make, judge=judge, note=said.append)
    assert said[0] == "recode is left out: merged so, 'g' has one level"
    assert [(step.remedy, step.kept) for step in done.steps] == [("swap", True)]


def test_a_step_is_kept_if_fewer_checks_fail_or_all_of_them_by_less() -> None:
    def rule(one: Treatment) -> Mapping[str, float]:
        donors = one.settings.get("min_donors", 0)
        return {"membership": 3.5 - donors / 10, "linkability": 0.5 if donors else 1.5}

    found = run(["redraw"], rule)
    assert [step.kept for step in found[3]] == [True, True, True]
    assert not found[1].passed
    assert found[3][0].failed_before == ("membership", "linkability")
    assert found[3][0].failed_after == ("membership",)
    assert found[3][0].as_dict()["utility"] == {"s_pmse_logit": {"before": 1.0, "after": 1.2}}


def test_a_remedy_that_swaps_one_failure_for_another_is_taken_back() -> None:
    found = run(["redraw"], lambda one: {"membership": 0.5, "k_marginal": 2.0} if one.settings else {"membership": 2.0})
    assert not found[2]
    assert not any(step.kept for step in found[3])


def test_remedies_of_rows_are_done_to_what_is_drawn_anew() -> None:
    def rule(one: Treatment) -> Mapping[str, float]:
        return {
            "copied_unique_records": 0.5 if "swap" in one.rows else 2.0,
            "membership": 0.5 if one.settings else 2.0,
        }

    found = run(["swap", "redraw"], rule)
    assert found[1].passed
    assert found[2].rows == ("swap",)
    assert found[2].settings["min_donors"] == 5


@pytest.mark.parametrize(
    ("remedies", "failed"),
    [(["remove"], "membership"), (["smooth"], "pair_utility"), (list(LADDERS), "schema")],
)
def test_a_remedy_that_treats_nothing_that_failed_is_not_tried(remedies: list[str], failed: str) -> None:
    assert not run(remedies, lambda _: {failed: 2.0})[3]


@pytest.mark.parametrize(
    ("remedy", "situation"),
    [
        ("redraw", Situation(5, n=40)),
        ("smooth", Situation(5, n=1000)),
        ("recode", Situation(5, n=1000)),
        ("top_code", Situation(5, n=1000)),
    ],
)
def test_a_ladder_ends_where_there_is_nothing_to_work_on(remedy: str, situation: Situation) -> None:
    assert LADDERS[remedy].rung(0, situation) is None


@pytest.mark.parametrize("remedy", LADDERS)
def test_every_ladder_ends(remedy: str) -> None:
    situation = Situation(5, numbers=("x",), nominal=("g",), n=10**9)
    assert LADDERS[remedy].rung(0, situation) is not None
    assert LADDERS[remedy].rung(5, situation) is None


@pytest.mark.parametrize(
    ("remedy", "situation"),
    [
        ("redraw", Situation(5, n=40)),
        ("smooth", Situation(5, n=1000)),
        ("recode", Situation(5, n=1000)),
        ("top_code", Situation(5, n=1000)),
        ("swap", Situation(5, n=1000, swappable=1)),
    ],
)
def test_a_remedy_with_nothing_to_work_on_is_refused(remedy: str, situation: Situation) -> None:
    with pytest.raises(SpecError, match=f"the remedy '{remedy}' has nothing to work on") as raised:
        check_work(["remove", remedy], situation)
    assert raised.value.need == LADDERS[remedy].needs
