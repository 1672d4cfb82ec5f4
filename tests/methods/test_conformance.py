"""Every method that the engine has, by name, keeps the promises of the protocol."""

from __future__ import annotations

import pytest

from replicant.methods import BUILTIN, NOTES, Origin
from replicant.testing import check_method
from replicant.testing.suite import KEPT, NOT_CLAIMED

MODELS = sorted(name for name, declared in BUILTIN.items() if declared.origin is Origin.MODEL)


@pytest.mark.parametrize("name", MODELS)
def test_a_method_conforms(name: str) -> None:
    table = check_method(name)
    assert set(table["outcome"]) <= {KEPT, NOT_CLAIMED}
    assert (table["outcome"] == KEPT).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_method_recovers_its_own_model(name: str) -> None:
    """With 60 samples, and the coverage of Rubin's intervals where parameters are drawn."""
    check_method(name, full=True)


def test_the_notes_of_the_house_are_sentences() -> None:
    assert all(word.islower() and len(sentence) > 20 for word, sentence in NOTES.items())
