"""`replicant gate` and `replicant release`: a verdict, an exit code, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ..commands import Command

SMALL = ("--effort", "quick", "--keys", "age,town", "--targets", "income", "--tier", "safeguarded")


@pytest.fixture
def tables(place: Path) -> None:
    for name, seed in (("real", 1), ("fresh", 2), ("held", 3)):
        rng = np.random.default_rng(seed)
        age = rng.integers(18, 90, 300)
        town, income = rng.choice(list("abc"), 300), age * 20 + rng.normal(0, 99, 300)
        pd.DataFrame({"age": age, "town": town, "income": income}).round(1).to_csv(f"{name}.csv", index=False)


@pytest.mark.usefixtures("tables")
def test_a_fresh_sample_passes_and_a_copy_is_withheld(replicant: Command) -> None:
    passed = replicant("gate", "real.csv", "fresh.csv", "--holdout", "held.csv", *SMALL, "--json")
    assert passed.code == 0, passed.text
    assert json.loads(passed.out)["verdict"] == "passed"
    held = replicant("gate", "real.csv", "real.csv", "--holdout", "held.csv", *SMALL)
    assert held.code == 5
    assert "Withheld" in held.out
    assert "copied_unique_records" in held.err
    page = replicant("gate", "real.csv", "fresh.csv", *SMALL, "-o", "gate.html")
    assert page.code == 0, page.text
    assert "May this go out?" in Path("gate.html").read_text()


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--tier", "pubic"), "did you mean 'public'"),
        (("--limit", "membershp=0.5"), "did you mean 'membership'"),
        (("--limit", "membership"), "CHECK=NUMBER"),
        (("--limit", "membership=high"), "CHECK=NUMBER"),
        (("--limit", "linkability=0.5"), "a reason"),
    ],
)
def test_bad_words_are_refused_with_the_fix(replicant: Command, words: tuple[str, ...], says: str) -> None:
    refused = replicant("gate", "real.csv", "fresh.csv", *words)
    assert refused.code == 2
    assert says in refused.err


@pytest.mark.parametrize("words", [("--by", "me"), ("--reason", "why")])
def test_a_decision_has_a_reason_and_a_name(replicant: Command, words: tuple[str, ...]) -> None:
    refused = replicant("release", "out", "--override", "membership", *words)
    assert refused.code == 2
    assert "Missing option" in refused.err
