"""The section `gate`: its names are those of the gate itself."""

from __future__ import annotations

import pytest

from replicant.errors import SpecError
from replicant.gate.limits import NAMES
from replicant.spec.gate import CHECK_NAMES, GateSpec
from replicant.spec.load import parse_job

SMALLEST = "input: {path: a.csv}\noutput: {path: out}\n"


def test_the_names_of_checks_are_those_of_the_gate() -> None:
    assert CHECK_NAMES == NAMES


def test_a_holdout_is_a_share_or_a_location() -> None:
    assert GateSpec(tier="public", holdout=0.1).share == 0.1
    assert GateSpec(tier="public", holdout="held.csv").share is None
    assert GateSpec(tier="public").share is None


def test_a_limit_is_a_number_or_one_with_a_reason() -> None:
    said = GateSpec(tier="public", limits={"membership": 0.5, "rules": {"limit": 2, "reason": "known"}})
    assert said.said_limits == {"membership": 0.5, "rules": {"limit": 2.0, "reason": "known"}}


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("{tier: pubic}", "did you mean 'public'"),
        ("{}", "tier"),
        ("{tier: public, holdout: 0.51}", "at most 0.5"),
        ("{tier: public, holdout: 0}", "above 0"),
        ("{tier: public, limits: {membershp: 0.5}}", "did you mean 'membership'"),
        ("{tier: public, limits: {membership: -1}}", "membership"),
    ],
)
def test_bad_sections(gate: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        parse_job(f"{SMALLEST}gate: {gate}\n")


def test_a_study_has_no_gate() -> None:
    with pytest.raises(SpecError, match="a study writes no release"):
        parse_job(f"{SMALLEST}gate: {{tier: public}}\nstudy: {{replicates: 10}}\n")
