"""Progress: a bar on a terminal, few plain lines elsewhere, silence when asked."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from replicant.execution.progress import Bar, Json, Lines, Progress, choose


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_where_we_are_decides() -> None:
    assert isinstance(choose(stream=Terminal()), Bar)
    assert isinstance(choose(stream=io.StringIO()), Lines)
    assert type(choose(quiet=True, stream=Terminal())) is Progress


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = choose(quiet=True)
    with progress.running(3, "synthesizing"):
        progress.note("compiling")
        progress.advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_short_run_is_two_lines() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Lines(out, clock)
    with progress.running(100, "synthesizing"):
        for _ in range(100):
            clock.now += 0.05
            progress.advance(1)
    assert out.getvalue().splitlines() == ["synthesizing", "done in 5.0 s"]


def test_a_long_run_speaks_at_most_every_ten_seconds_and_ten_percent() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Lines(out, clock)
    with progress.running(1000, "synthesizing"):
        for _ in range(1000):
            clock.now += 1.0
            progress.advance(1)
    lines = out.getvalue().splitlines()
    between = lines[1:-1]
    assert 9 <= len(between) <= 1000 / 60 + 1
    # after 60 s at 1 s a unit: 6 % done, 940 s left
    assert between[0] == "6% after 60 s, about 16 min left"
    assert lines[-1] == "done in 17 min"


def test_no_two_lines_within_ten_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Lines(out, clock)
    with progress.running(10, "synthesizing"):
        for _ in range(10):
            clock.now += 3.0
            progress.advance(1)
    assert len(out.getvalue().splitlines()) == 2 + 2


def test_a_failed_run_does_not_claim_to_be_done() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), Lines(out).running(1, "synthesizing"):
        raise RuntimeError
    assert "done" not in out.getvalue()


def test_the_bar_leaves_one_line_and_passes_notes() -> None:
    out = Terminal()
    progress = Bar(out)
    with progress.running(4, "synthesizing"):
        progress.note("a note [not markup]")
        progress.advance(4)
    assert "a note [not markup]" in out.getvalue()
    assert out.getvalue().rstrip().splitlines()[-1].endswith("s")
    progress.advance(1)  # a late task must not fail


def said(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_log_has_a_stage_at_the_pace_of_lines() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Json(out, clock)
    with progress.running(1000, "synthesizing", "on 2 threads"):
        for _ in range(1000):
            clock.now += 1.0
            progress.advance(1)
    found = said(out)
    assert [one["event"] for one in found] == ["stage.begins", *["stage.advances"] * (len(found) - 2), "stage.ends"]
    assert {one["stage"] for one in found} == {"synthesizing"}
    assert found[0]["message"] == "synthesizing on 2 threads"
    # As in the lines of the test above: after 60 s 60 of 1000 are done.
    first = found[1]
    assert (first["done"], first["total"], first["seconds"], first["seconds_left"]) == (60, 1000, 60.0, 940)
    assert (found[-1]["done"], found[-1]["seconds"]) == (1000, 1000.0)


def test_a_log_of_a_stage_that_fails_has_no_end_of_it() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), Json(out).running(1, "synthesizing"):
        raise RuntimeError
    assert [one["event"] for one in said(out)] == ["stage.begins"]


def test_lines_of_many_threads_stay_whole() -> None:
    out = io.StringIO()
    progress = Json(out)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: progress.say("info", "note", "x" * 500, i=i), range(400)))
    assert sorted(one["i"] for one in said(out)) == list(range(400))
