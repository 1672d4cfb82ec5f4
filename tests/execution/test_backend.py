"""What was chosen of threads, processes and clusters."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from replicant.errors import SpecError
from replicant.execution.backend import Where
from replicant.execution.threads import default_threads

CHOICES: dict[str, Any] = {"threads": 1, "workers": 2, "scheduler": "tcp://127.0.0.1:9", "client": object()}


@pytest.mark.parametrize(("one", "other"), list(combinations(CHOICES, 2)))
def test_places_exclude_each_other(one: str, other: str) -> None:
    with pytest.raises(SpecError, match=f"^`{one}` and `{other}` exclude each other"):
        Where(**{one: CHOICES[one], other: CHOICES[other]})


@pytest.mark.parametrize("name", CHOICES)
def test_a_limit_of_memory_is_no_place(name: str) -> None:
    chosen = Where(**{name: CHOICES[name]}, memory=2**30)
    assert chosen.on_cluster == (name != "threads")
    assert not chosen.is_open
    assert Where(memory=2**30).is_open


def test_this_process_has_no_client_and_somebodys_is_left_open() -> None:
    for here in (Where(), Where(threads=3)):
        with here.opened() as client:
            assert client is None
    assert Where(threads=3).hands == 3
    assert Where().hands == default_threads()
    with Where(client=CHOICES["client"]).opened() as client:
        assert client is CHOICES["client"]


def test_no_worker_is_no_cluster() -> None:
    with pytest.raises(SpecError, match="not positive"), Where(workers=0).opened():
        pass
