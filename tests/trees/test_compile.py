"""Compiling ahead: the user is told once if it takes long, and what is not used is not compiled."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import pytest

from replicant.trees import compile as compiling
from replicant.trees.compile import Use

WITNESS = """
import numpy as np
from replicant.trees import Halves, compile, encode_features, grow_tree, held_out_scores, likeness
from replicant.trees.compile import Use
from replicant.trees.jit import KERNELS

def signatures():
    return {function.__name__: len(function.signatures) for function in KERNELS}
"""


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(compiling, "_ready", Use(0))
    monkeypatch.setattr(compiling, "PATIENCE", 0.05)
    return monkeypatch


pytestmark = pytest.mark.program


def test_a_long_compilation_is_announced_once(cold: pytest.MonkeyPatch) -> None:
    cold.setattr(compiling, "_run", lambda use: time.sleep(0.3))
    told: list[str] = []
    compiling.ensure_compiled(told.append)
    compiling.ensure_compiled(told.append)
    assert told == [compiling.NOTICE]


def test_a_short_one_is_not(cold: pytest.MonkeyPatch) -> None:
    cold.setattr(compiling, "_run", lambda use: None)
    told: list[str] = []
    compiling.ensure_compiled(told.append)
    time.sleep(0.15)
    assert told == []


def test_a_failure_is_not_taken_for_done(cold: pytest.MonkeyPatch) -> None:
    def fail(use: Use) -> None:
        raise OSError("no space left")

    cold.setattr(compiling, "_run", fail)
    with pytest.raises(OSError, match="space"):
        compiling.ensure_compiled()
    assert not compiling._ready


@pytest.mark.parametrize("objects", [0, 700, 1_000_000])
def test_garbage_is_looked_for_as_before(objects: int, cold: pytest.MonkeyPatch) -> None:
    """0 says never."""
    during: list[int] = []
    cold.setattr(compiling, "_run", lambda use: during.append(gc.get_threshold()[0]))
    before = gc.get_threshold()
    try:
        gc.set_threshold(objects)
        compiling.ensure_compiled()
        assert gc.get_threshold()[0] == objects
    finally:
        gc.set_threshold(*before)
    assert during == [max(objects, compiling.OBJECTS) if objects else 0]


def test_only_what_is_new_is_compiled(cold: pytest.MonkeyPatch) -> None:
    asked: list[Use] = []
    cold.setattr(compiling, "_run", asked.append)
    for use in (Use.TREES, Use.TREES | Use.NEW_ROWS, Use.TREES, Use.ALL):
        compiling.ensure_compiled(use=use)
    rest = Use.DISTINCT | Use.LEAF_ROWS | Use.LEAF_WEIGHTS | Use.CONDITIONS | Use.PROTECTION
    assert asked == [Use.TREES, Use.NEW_ROWS, rest]


def run(script: str) -> None:
    """In a process of its own, where nothing was compiled or read before."""
    done = subprocess.run([sys.executable, "-c", WITNESS + script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_to_compile_afterwards() -> None:
    run("""
compile.ensure_compiled()
before = signatures()
rng = np.random.default_rng(1)
x = encode_features([rng.integers(-1, 9, 200), rng.integers(0, 50, 200)], nominal=[False, True], sizes=[9, 3000])
weights = rng.integers(0, 3, 200).astype(np.int32)
rows = np.arange(200, dtype=np.int32)
for y, k in ((rng.normal(size=200), 0), (rng.integers(0, 5, 200).astype(np.int32), 5)):
    for w in (None, weights):
        tree = grow_tree(x, [0, 1], y, n_classes=k, weights=w)
        halves = Halves.of(x, rows[:90], rows[90:], rng)
        held_out_scores(halves, [0, 1], y, codes=rows, n_classes=k, weights=w, sizes=np.array([3, 9]))
        codes = np.ascontiguousarray(x.codes.T)
        leaf = tree.leaves(codes)
        drawn = tree.draw(leaf, rng.random(200))
        used = np.full((200, 3), -1, dtype=np.int32)
        for codes_of_rows in (codes, None):
            like = likeness(x, np.array([0, 1], dtype=np.int32), codes_of_rows, rows)
            tree.replace_repeated(leaf, rng.random(200), drawn, rows, used, 1, 2, like, np.zeros(200, dtype=np.bool_))
        tree.draw_other(leaf, rng.random(200), rows, 200)
        grow_tree(x, [0, 1], y, n_classes=k, weights=w, splits="corrected").leaves(codes, rng.random(200))
        tree.training_leaves(200)
assert set(before.values()) == {1}, before
assert signatures() == before
""")


def test_trees_alone_leave_new_rows_alone() -> None:
    run("""
compile.ensure_compiled(use=Use.TREES)
found = signatures()
assert found["grow"] == 1, found
assert found["find_leaves"] == found["draw_allowed"] == 0, found
compile.ensure_compiled()
found = signatures()
assert found["find_leaves"] == found["draw_allowed"] == 1, found
""")
