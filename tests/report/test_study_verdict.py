"""The sentence at the top of a study's page: what may be concluded from its replicates, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from replicant.report.study_verdict import Verdict, verdict
from replicant.report.study_view import read

Document = dict[str, Any]


def judged(document: Document, *covered: tuple[float, float], own: tuple[float, float] = (0.95, 0.004)) -> Verdict:
    """The verdict where arms have these coverages with their errors, and every term has its arm's."""
    for entry, (coverage, error) in zip(document["summary"], (own, *covered), strict=True):
        entry |= {"coverage": coverage, "coverage_error": error}
        for estimand in document["estimands"]:
            for row in estimand["rows"]:
                if row["arm"] == entry["arm"] and "coverage" in row:
                    row |= {"coverage": coverage, "coverage_error": error}
    return verdict(read(document))


@pytest.fixture
def one(make_document: Callable[..., Document]) -> Document:
    return make_document(["synthetic"], 400, beside=False)


@pytest.mark.parametrize(
    ("covered", "tone", "sentence"),
    [
        ((0.951, 0.008), "good", "95 % intervals cover 0.951 (0.935 to 0.967): valid for these models."),
        ((0.990, 0.003), "wide", "0.990 (0.984 to 0.996): valid for these models, but wider than necessary."),
        ((0.880, 0.010), "bad", "0.880 (0.860 to 0.900): not valid for these models, too short or off centre."),
        ((0.930, 0.008), "edge", "0.930 (0.914 to 0.946): at the edge of what counts as valid, 0.925 to 0.975."),
        (
            (0.950, 0.020),
            "few",
            "400 replicates are too few to say whether they are valid; about 4,100 would be enough.",
        ),
        ((1.000, 0.000), "wide", "cover 1.000 (0.978 to 1.000): valid for these models, but wider than necessary."),
    ],
)
def test_a_single_arm(one: Document, covered: tuple[float, float], tone: str, sentence: str) -> None:
    found = judged(one, covered)
    assert found.tone == tone
    assert sentence in found.sentence


def test_as_many_replicates_as_asked_for_are_enough(one: Document) -> None:
    """The error falls with the square root of the replicates; at the number named it is a quarter of the band."""
    assert "about 4,100 would" in judged(one, (0.95, 0.02)).sentence
    error = 0.02 * (400 / 4100) ** 0.5
    assert 2 * error == pytest.approx(0.025 / 2, rel=0.01)


def test_below_the_level_but_no_worse_than_the_real_samples(one: Document) -> None:
    found = judged(one, (0.88, 0.01), own=(0.885, 0.01))
    assert found.tone == "model"
    assert "no less than those of the real samples (0.885)" in found.sentence


def test_one_term_that_is_not_covered_spoils_a_good_mean(one: Document) -> None:
    judged(one, (0.951, 0.008))
    row = next(row for row in one["estimands"][2]["rows"] if row["arm"] == "synthetic" and row["term"] == "phb.L")
    row["coverage"] = 0.7
    found = verdict(read(one))
    assert found.tone == "mixed"
    assert "valid on average, but not for every term" in found.sentence
    assert found.findings[0].details == (
        "Of 17 terms 1 is covered clearly less often than 0.925; "
        "the lowest is phb.L (hgt ~ age + phb (Table 4)), 0.700.",
    )


def test_failed_fits_are_counted(one: Document) -> None:
    one["summary"][1]["failed"] = 12
    assert judged(one, (0.951, 0.008)).findings[0].details == (
        "12 estimates of terms have no result and are left out.",
    )


def test_several_arms_in_one_sentence(make_document: Callable[..., Document]) -> None:
    document = make_document(["a", "b", "c", "d"], 400, beside=False)
    found = judged(document, (0.951, 0.008), (0.88, 0.01), (0.949, 0.007), (0.95, 0.03))
    assert found.sentence == (
        "95 % intervals are valid for these models under a and c; not to be judged by so few replicates under d; "
        "not valid under b."
    )
    assert found.tone == "mixed"
    assert [one.tone for one in found.findings] == ["good", "bad", "good", "few"]
    assert judged(document, *[(0.95, 0.004)] * 4).tone == "good"


def test_without_models_nothing_is_judged(one: Document) -> None:
    for entry in one["summary"]:
        entry["coverage"] = None
    assert verdict(read(one)).sentence == "No model was estimated, so this study does not judge intervals."


def test_another_level_has_another_band(one: Document) -> None:
    one["level"] = 0.9
    found = judged(one, (0.86, 0.004), own=(0.9, 0.004))
    assert found.sentence.startswith("90 % intervals cover 0.860 (0.852 to 0.868): valid for these models.")
