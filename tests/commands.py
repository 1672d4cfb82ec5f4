"""The command line in this process, and a table that nothing it says may quote."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from replicant.cli.main import main

# Cells that must never be printed.
CANARY_TEXT = "canary-zebra"
CANARY_NUMBER = 471147.25


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


Command = Callable[..., Outcome]


def records() -> pd.DataFrame:
    """Sixty records of five columns, with canaries among the cells."""
    rng = np.random.default_rng(7)
    n = 60
    weight = rng.normal(70, 9, n).round(1)
    weight[17] = CANARY_NUMBER
    return pd.DataFrame(
        {
            "height": rng.normal(170, 9, n).round(1),
            "weight": weight,
            "children": rng.poisson(1.2, n),
            "region": rng.choice(["north", "south", "west"], n),
            "word": [CANARY_TEXT, *rng.choice(["yes", "no", "perhaps"], n - 1)],
        }
    )


@contextmanager
def command_line(capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs commands; no traceback and no canary may be printed, whatever happens."""
    before = signal.getsignal(signal.SIGTERM)

    def run(*args: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        done = capsys.readouterr()
        outcome = Outcome(int(left.value.code or 0), done.out, done.err)
        if "--debug" not in args:
            assert "Traceback" not in outcome.text
        assert "471147" not in outcome.text
        # Levels are shown in results, as they are in the release; never elsewhere.
        assert CANARY_TEXT not in (outcome.err if outcome.code == 0 else outcome.text)
        return outcome

    yield run
    signal.signal(signal.SIGTERM, before)
