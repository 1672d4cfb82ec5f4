"""Progress in a notebook: one line that is updated, and a kernel that IPython itself starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from replicant.execution.live import Live, State
from replicant.execution.progress import in_notebook


class Screen:
    """What a notebook would show: lines, each with all states it went through."""

    def __init__(self) -> None:
        self.lines: list[list[State]] = []

    def __call__(self, state: State) -> Any:
        line = [state]
        self.lines.append(line)

        class Handle:
            def update(self, state: State) -> None:
                line.append(state)

        return Handle()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_task_that_counts_for_nothing_may_be_the_first() -> None:
    screen, clock = Screen(), Clock()
    live = Live(screen, clock)
    with live.running(10, "synthesizing", ""):
        clock.now = 9.0
        live.advance(0)
        live.advance(5)
    [line] = screen.lines
    assert [state.share for state in line] == [0.0, 0.5, 1.0]


def test_a_thousand_steps_are_one_line_updated_four_times_a_second() -> None:
    screen, clock = Screen(), Clock()
    progress = Live(screen, clock)
    with progress.running(1000, "synthesizing", "on 2 workers"):
        for _ in range(1000):
            clock.now += 1 / 64
            progress.advance(1)
    (line,) = screen.lines
    assert 1000 / 64 / 0.25 / 2 < len(line) <= 1000 / 64 / 0.25 + 2
    assert [state.share for state in line] == sorted(state.share for state in line)
    assert repr(line[0]) == "synthesizing on 2 workers: begun"
    assert repr(line[-1]) == "synthesizing on 2 workers: done in 16 s"
    middle = next(state for state in line if state.share >= 0.5)
    assert middle.said.endswith("left")
    assert 'value="0.5' in middle._repr_html_()


def test_what_fails_does_not_read_as_done() -> None:
    screen, clock = Screen(), Clock()
    progress = Live(screen, clock)
    with pytest.raises(ValueError), progress.running(4, "synthesizing"):  # noqa: PT012
        clock.now += 3
        progress.advance(1)
        raise ValueError
    assert screen.lines[0][-1] == State("synthesizing", 0.25, "stopped after 3.0 s")
    progress.advance(1)  # a thread that comes too late


def test_names_are_text() -> None:
    assert "<b>" not in State("<b>", 0.5, "<b>")._repr_html_()


def test_here_is_no_notebook() -> None:
    assert not in_notebook()


@pytest.mark.cluster
def test_a_kernel_shows_one_output_whatever_happens_within(
    tmp_path: Path, execute_notebook: Callable[..., None]
) -> None:
    cell = """
import time
from replicant.execution.progress import choose
progress = choose()
with progress.running(60, "synthesizing", "on 2 workers"):
    for _ in range(60):
        time.sleep(0.01)
        progress.advance(1)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    execute_notebook(notebook, tmp_path)
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data["text/plain"].startswith("synthesizing on 2 workers: done in")
    assert "<progress" in output.data["text/html"]
