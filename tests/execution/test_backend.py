"""What was chosen of threads, processes and clusters."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from replicant.errors import SpecError
from replicant.execution.backend import Backend, active_client, usable_cpus
from replicant.execution.executor import ThreadExecutor

CHOICES: dict[str, Any] = {"threads": 1, "workers": 2, "scheduler": "tcp://127.0.0.1:9", "client": object()}


@pytest.mark.parametrize(("one", "other"), list(combinations(CHOICES, 2)))
def test_choices_exclude_each_other(one: str, other: str) -> None:
    with pytest.raises(SpecError, match=f"^`{one}` and `{other}` exclude each other"):
        Backend(**{one: CHOICES[one], other: CHOICES[other]})


@pytest.mark.parametrize("name", CHOICES)
def test_a_limit_of_memory_is_no_choice_of_workers(name: str) -> None:
    chosen = Backend(**{name: CHOICES[name]}, memory=2**30)
    assert chosen.on_cluster == (name != "threads")
    assert not chosen.is_default
    assert Backend(memory=2**30).is_default


def test_threads_share_the_memory_of_a_process() -> None:
    assert Backend(threads=4, memory=100).process_memory == 25
    assert Backend(workers=4, memory=100).process_memory == 100
    assert Backend(threads=4).process_memory is None


def test_threads_run_in_this_process() -> None:
    for backend, workers in ((Backend(), usable_cpus()), (Backend(threads=3), 3)):
        with backend.open() as executor:
            assert isinstance(executor, ThreadExecutor)
            assert executor.workers == workers


def test_threads_default_to_the_cpus_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert usable_cpus() == 3


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_a_positive_whole_number(threads: Any) -> None:
    with pytest.raises(SpecError, match="`threads` is not a positive whole number"):
        Backend(threads=threads)


def test_no_worker_is_no_cluster() -> None:
    with pytest.raises(SpecError, match="not positive"), Backend(workers=0).open():
        pass


def test_without_an_active_client_a_call_runs_on_threads() -> None:
    assert active_client() is None
    assert Backend.of_call(None) == Backend()
    assert Backend.of_call(None, 3) == Backend(threads=3)
    assert Backend.of_call(CHOICES["client"]) == Backend(client=CHOICES["client"])
