"""A table in parts: the same release wherever and however interrupted, parts that are random samples, rows mixed."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, PartialError, ReleaseError, SpecError
from replicant.execution.backend import Backend
from replicant.execution.executor import Executor
from replicant.execution.progress import Progress
from replicant.methods import registry
from replicant.plan.task import Task
from replicant.run import chunks, partition_tasks, partitioning
from replicant.run.job import run_job
from replicant.run.partitioning import Partitions
from replicant.run.resume import resume
from replicant.spec.load import parse_job

N = 900


@pytest.fixture
def frame() -> pd.DataFrame:
    """Nine hundred records whose first column tells them apart."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=N)
    return pd.DataFrame(
        {
            "x": x,
            "y": (2 * x + rng.normal(size=N)).round(3),
            "count": rng.poisson(3, N),
            "stage": pd.Categorical(rng.choice(["low", "middle", "high"], N), ["low", "middle", "high"], ordered=True),
            "region": rng.choice(["north", "south", "west"], N, p=[0.6, 0.37, 0.03]),
            "hours": np.where(rng.random(N) < 0.1, np.nan, rng.normal(40, 5, N).round(1)),
        }
    )


@pytest.fixture
def data(frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In three files of several row groups each."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    folder = tmp_path / "data"
    folder.mkdir()
    for i, (low, high) in enumerate([(0, 400), (400, 500), (500, N)]):
        frame.iloc[low:high].to_parquet(folder / f"{i}.parquet", index=False, row_group_size=60)
    return folder


def job(data: Path, target: Path, **synthesis: Any) -> Any:
    settings = {"m": 2, "seed": 4, "partition_rows": 250, **synthesis}
    text = {
        "input": {"path": str(data)},
        "synthesis": settings,
        "output": {"path": str(target), "csv": True, "helpers": ["r"]},
    }
    return parse_job(json.dumps(text))


def digests(release: Path) -> dict[str, str]:
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.rglob("*"))
        if path.is_file()
    }


def test_a_release_in_parts_is_like_any_other(data: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    result = run_job(job(data, tmp_path / "release"), Backend(threads=1))
    assert rp.verify_release(str(tmp_path / "release")).ok
    assert not list(tmp_path.glob(".release*"))
    release = rp.read_release(str(tmp_path / "release"))
    assert (release.m, release.manifest["n"], release.manifest["k"]) == (2, N, N)
    assert len(release.manifest["files"]) == 2 * 4
    assert [entry["rows"] for entry in release.manifest["files"]] == [225] * 8
    for one in release:
        assert len(one) == N
        pd.testing.assert_series_equal(one.dtypes, frame.dtypes)
        assert set(one["x"]) <= set(frame["x"])
        assert list(one["stage"].cat.categories) == ["low", "middle", "high"]
        # A correlation of 0.89 over 900 rows has a standard error of 0.007; trees add about as much again.
        assert one["x"].corr(one["y"]) == pytest.approx(frame["x"].corr(frame["y"]), abs=0.05)
        assert one["hours"].isna().mean() == pytest.approx(frame["hours"].isna().mean(), abs=4 * 0.01 * np.sqrt(2))
    told = {column["name"]: column for column in result.summary["columns"]}
    assert result.summary["n"] == N
    assert told["y"]["real"]["mean"] == pytest.approx(frame["y"].mean(), rel=1e-9)
    assert told["hours"]["real"]["missing"] == pytest.approx(frame["hours"].isna().mean())
    assert release.analyse("ols", "y ~ x").pool().frame["estimate"][1] == pytest.approx(2.0, abs=0.2)


def test_fewer_rows_than_parts_leave_files_without_any(data: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    run_job(job(data, tmp_path / "release", k=3), Backend(threads=1))
    assert rp.verify_release(str(tmp_path / "release")).ok
    release = rp.read_release(str(tmp_path / "release"))
    assert sorted(entry["rows"] for entry in release.manifest["files"]) == [0, 0, 1, 1, 1, 1, 1, 1]
    for one in release:
        assert len(one) == 3
        pd.testing.assert_series_equal(one.dtypes, frame.dtypes)


@pytest.mark.parametrize("where", [{"threads": 2}, pytest.param({"workers": 2}, marks=pytest.mark.cluster)])
def test_the_same_bytes_everywhere(where: dict[str, int], data: Path, tmp_path: Path) -> None:
    run_job(job(data, tmp_path / "one"), Backend(threads=1))
    run_job(job(data, tmp_path / "two"), Backend(**where))
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


class Stops(Progress):
    """Ctrl-C after so many pieces."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, units: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [9, 18, 22, 26])
def test_an_interrupted_run_is_completed_to_the_same_bytes(after: int, data: Path, tmp_path: Path) -> None:
    """While rows are dealt, parts are drawn, rows are mixed; with a file damaged meanwhile."""
    run_job(job(data, tmp_path / "whole"), Backend(threads=1))
    with pytest.raises(KeyboardInterrupt):
        run_job(job(data, tmp_path / "release"), Backend(threads=1), progress=Stops(after))
    assert not (tmp_path / "release").exists()
    (work,) = tmp_path.glob(".release.*.partial.work")
    damaged = min(work.glob("*.arrow"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    resume(str(tmp_path / "release"), Backend(threads=1))
    assert digests(tmp_path / "release") == digests(tmp_path / "whole")
    assert not list(tmp_path.glob(".release*"))


def test_a_changed_input_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_job(job(data, tmp_path / "release"), Backend(threads=1), progress=Stops(14))
    changed = pd.read_parquet(data / "1.parquet").assign(count=7)
    changed.to_parquet(data / "1.parquet", index=False, row_group_size=60)
    with pytest.raises(ReleaseError, match="no longer those"):
        resume(str(tmp_path / "release"), Backend(threads=1))


def test_a_file_damaged_meanwhile_stops_the_run_and_is_made_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(job(data, tmp_path / "whole"), Backend(threads=1))
    shuffle = partition_tasks.shuffle_set

    def damage(shared: Any, task: Task) -> Any:
        if task.index == 2:
            file = Path(shared[0].slices.records.folder.url) / "set-1-000003.arrow"
            file.write_bytes(file.read_bytes()[:-100])
        return shuffle(shared, task)

    with monkeypatch.context() as patch:
        patch.setattr(partition_tasks, "shuffle_set", damage)
        with pytest.raises(PartialError, match="intermediate file is damaged"):
            run_job(job(data, tmp_path / "release"), Backend(threads=1))
    drawn: list[tuple[int, tuple[int, ...]]] = []
    draw = partition_tasks.draw

    def count(shared: Any, task: Task) -> Any:
        name = f"drawn-{task.index:06d}-{task.imputations[0]}-{task.imputations[-1]}"
        if shared.partitions.slices.find(name) is None:
            drawn.append((task.index, task.imputations))
        return draw(shared, task)

    monkeypatch.setattr(partition_tasks, "draw", count)
    resume(str(tmp_path / "release"), Backend(threads=1))
    assert drawn == [(3, (0,))]  # the sets of the last partition are tasks of their own
    assert digests(tmp_path / "release") == digests(tmp_path / "whole")


@pytest.fixture
def shuffled(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partitions:
    """The partitions of a run, when its rows are shuffled."""
    seen: list[Partitions] = []
    head = partition_tasks.head

    def peek(partitions: Partitions, task: Task) -> partition_tasks.Head:
        seen.append(partitions)
        seen_tables.extend(partitions.table(index) for index in range(partitions.count))
        return head(partitions, task)

    seen_tables: list[Any] = []
    monkeypatch.setattr(partition_tasks, "head", peek)
    run_job(job(data, tmp_path / "release"), Backend(threads=1))
    object.__setattr__(seen[0], "tables", seen_tables)
    return seen[0]


def test_every_row_is_in_one_part_and_parts_are_random(shuffled: Any, frame: pd.DataFrame) -> None:
    values = [table["x"].numbers() for table in shuffled.tables]
    assert [len(one) for one in values] == shuffled.sizes.tolist() == [225] * 4
    np.testing.assert_array_equal(np.sort(np.concatenate(values)), np.sort(frame["x"]))
    # Every chunk gives every part its share to within one row.
    position = {value: row for row, value in enumerate(frame["x"])}
    for one in values:
        from_first = sum(position[value] < 400 for value in one)
        assert abs(from_first - 100) <= 4
    # And which of its rows is chance: neighbours in the file do not stay together more often than that.
    part_of = np.empty(N, dtype=int)
    for part, one in enumerate(values):
        part_of[[position[value] for value in one]] = part
    together = np.mean(part_of[1:] == part_of[:-1])
    assert together == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / N))


def test_a_file_of_the_release_holds_rows_of_every_part(shuffled: Any, tmp_path: Path) -> None:
    owner = {value: part for part, table in enumerate(shuffled.tables) for value in table["x"].numbers()}
    release = rp.read_release(str(tmp_path / "release"))
    for entry in release.manifest["files"]:
        rows = pd.read_parquet(tmp_path / "release" / entry["path"])
        parts = np.array([owner[value] for value in rows["x"]])
        share = np.bincount(parts, minlength=4) / len(parts)
        assert share == pytest.approx([0.25] * 4, abs=0.01)
        # In no order: the runs of one part are as long as chance makes them.
        changes = np.mean(parts[1:] != parts[:-1])
        assert changes == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / len(parts)))


def test_rows_of_many_parts_are_mixed_among_some_of_them(
    data: Path, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the work of shuffling would grow with the square of the parts."""
    monkeypatch.setattr(partitioning, "SIBLINGS", 3)
    seen: list[Partitions] = []
    head = partition_tasks.head

    def peek(partitions: Partitions, task: Task) -> partition_tasks.Head:
        seen.append(partitions)
        return head(partitions, task)

    monkeypatch.setattr(partition_tasks, "head", peek)
    said = job(data, tmp_path / "release", where={"y": "count >= 0"}, partition_rows=130)
    run_job(said, Backend(threads=1))
    (parts,) = seen
    assert parts.count == 7
    assert [list(parts.siblings(part)) for part in (0, 2, 6)] == [[0, 1], [2, 3], [4, 5, 6]]
    assert {part for one in range(7) for part in parts.siblings(one)} == set(range(7))
    assert all(parts.siblings(other) == parts.siblings(one) for one in range(7) for other in parts.siblings(one))
    # Only y is drawn, so the other columns are the real ones: each row once in each set.
    for drawn in rp.read_release(str(tmp_path / "release")):
        assert sorted(drawn["x"]) == sorted(frame["x"])


class Constant:
    """A method of a user's: one number for all rows."""

    parametric = True

    def fit(self, y: Any, x: Any, weights: Any, rng: Any) -> Constant:
        return self

    def draw(self, x: Any, rng: Any) -> Any:
        return np.full(x.size, 0.5)


@pytest.mark.parametrize("where", [{"threads": 1}, pytest.param({"workers": 1}, marks=pytest.mark.cluster)])
def test_a_method_of_the_users_own_draws_in_every_part(
    where: dict[str, int], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    rp.register_method("constant", Constant())
    run_job(job(data, tmp_path / "release", method={"y": "constant"}), Backend(**where))
    for drawn in rp.read_release(str(tmp_path / "release")):
        assert set(drawn["y"]) == {0.5}
        assert drawn["x"].nunique() > 10


def test_a_percentile_of_a_rule_is_that_of_the_part(data: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    """A part is a random sample, so its percentile is that of the table to within the error of a percentile."""
    run_job(job(data, tmp_path / "release", where="x > p80"), Backend(threads=1))
    whole = frame["x"].quantile(0.8)
    for drawn in rp.read_release(str(tmp_path / "release")):
        kept = sorted(set(frame["x"]) & set(drawn["x"]))
        # Values below the percentile are kept as they are, whichever part they were in.
        share = np.mean(np.isin(frame["x"], kept))
        assert share == pytest.approx(0.8, abs=0.2)
        low = frame.loc[frame["x"] < whole - 0.5, "x"]
        assert set(low) <= set(drawn["x"])


def test_strata_are_parts_and_small_ones_are_pooled(data: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    result = run_job(job(data, tmp_path / "release", strata="region", min_stratum=100), Backend(threads=1))
    assert any(event.code == "pooled_strata" for event in result.events)
    release = rp.read_release(str(tmp_path / "release"))
    files = [entry for entry in release.manifest["files"] if entry["imputation"] == 1]
    # north: some 540 rows in three parts; south and the small west: some 360 in two.
    assert len(files) == 5
    regions = [set(pd.read_parquet(tmp_path / "release" / entry["path"])["region"]) for entry in files]
    assert regions[:3] == [{"north"}] * 3
    assert all(one <= {"south", "west"} for one in regions[3:])
    assert (release[0]["region"] == "north").sum() == (frame["region"] == "north").sum()


def test_what_cannot_be_done_in_parts_is_said(data: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises((SpecError, DataError), match="Parquet"):
        run_job(job(tmp_path / "data.csv", tmp_path / "release"), Backend(threads=1))
    with pytest.raises(SpecError, match="partition_rows"):
        run_job(
            parse_job('{"input": {"dataset": "anes96"}, "synthesis": {"partition_rows": 100}, "output": {"path": "x"}}')
        )
    with pytest.raises(SpecError, match="wieght"):
        run_job(job(data, tmp_path / "release", predictors={"wieght": ["x"]}), Backend(threads=1))
    assert not list(tmp_path.glob(".release*"))


def test_no_rows_come_to_the_client_or_go_through_the_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tasks get and give is small, and does not grow with the rows; a partition of these has 240 kB."""
    sizes: dict[str, int] = {}
    run = Executor.run

    def weighed(
        self: Executor, stage: str, calls: Any, shared: Any, tasks: Any, **options: Any
    ) -> Iterator[tuple[Task, Any]]:
        sizes[f"{stage}, given"] = len(pickle.dumps(shared)) + max(len(pickle.dumps(task)) for task in tasks)
        for task, result in run(self, stage, calls, shared, tasks, **options):
            sizes[stage] = max(sizes.get(stage, 0), len(pickle.dumps(result)))
            yield task, result

    monkeypatch.setattr(Executor, "run", weighed)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4000)
    rng = np.random.default_rng(5)
    x = rng.normal(size=20_000)
    frame = pd.DataFrame({f"x{i}": x + rng.normal(size=20_000) for i in range(6)})
    frame["stage"] = pd.Categorical(rng.choice(["low", "high"], 20_000), ["low", "high"], ordered=True)
    frame.to_parquet(tmp_path / "data.parquet", index=False, row_group_size=4000)
    big = job(tmp_path / "data.parquet", tmp_path / "release", m=1, minbucket=50)
    big.synthesis.partition_rows = 5000
    run_job(big, Backend(threads=1))
    assert {"scanning", "shuffling rows", "planning", "synthesizing", "shuffling synthetic rows"} <= set(sizes)
    assert max(sizes.values()) < 40_000, sizes
