"""Compiling ahead: the user is told once if it takes long, and never otherwise."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from replicant.trees import compile as compiling


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(compiling, "_ready", False)
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    return monkeypatch


def test_a_long_compilation_is_announced_once(cold: pytest.MonkeyPatch) -> None:
    cold.setattr(compiling, "_use_everything", lambda: time.sleep(0.3))
    told: list[str] = []
    compiling.ensure_compiled(told.append)
    compiling.ensure_compiled(told.append)
    assert told == [compiling.NOTICE]


def test_a_short_one_is_not(cold: pytest.MonkeyPatch) -> None:
    cold.setattr(compiling, "_use_everything", lambda: None)
    told: list[str] = []
    compiling.ensure_compiled(told.append)
    time.sleep(0.15)
    assert told == []


def test_a_failure_is_not_taken_for_done(cold: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no space left")

    cold.setattr(compiling, "_use_everything", fail)
    with pytest.raises(OSError, match="space"):
        compiling.ensure_compiled()
    assert not compiling._ready


def test_nothing_is_left_to_compile_afterwards() -> None:
    """In a process of its own: what every synthesis uses is there after `ensure_compiled`."""
    script = """
import numpy as np
from replicant.trees import apply, compile, encode_features, grow, grow_tree, prune, streams
compile.ensure_compiled()
kernels = [f for module in (apply, grow, prune, streams) for f in vars(module).values() if hasattr(f, "signatures")]
before = [len(f.signatures) for f in kernels]
rng = np.random.default_rng(1)
x = encode_features([rng.integers(-1, 9, 200), rng.integers(0, 50, 200)], nominal=[False, True], sizes=[9, 3000])
weights = rng.integers(0, 3, 200).astype(np.int32)
for y, k in ((rng.normal(size=200), 0), (rng.integers(0, 5, 200).astype(np.int32), 5)):
    for w in (None, weights):
        tree = grow_tree(x, [0, 1], y, n_classes=k, weights=w)
        leaf = tree.leaves(np.ascontiguousarray(x.codes.T))
        tree.draw(leaf, rng.random(200))
        tree.training_leaves(200)
assert sum(before) > 5, before
assert [len(f.signatures) for f in kernels] == before
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
