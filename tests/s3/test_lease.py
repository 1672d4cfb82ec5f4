"""One run at a time at a place behind a URL, and none kept out by a dead one."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from replicant.errors import PartialError, ReleaseError
from replicant.execution.backend import Backend
from replicant.release.write import staging_folder
from replicant.run.job import run_job
from replicant.run.partial_results import Records
from replicant.spec.load import parse_job
from replicant.storage import lease
from replicant.storage.lease import check_held, leased
from replicant.storage.remote import RemoteFolder

from .ground import Break, Bucket, Connection, settings


@pytest.fixture
def place(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place to hold, with less patience than usual."""
    monkeypatch.setattr(lease, "PULSE", 0.2)
    monkeypatch.setattr(lease, "LAPSE", 2.0)
    return f"{bucket.url}/out/.release.work"


def test_a_place_is_held_by_one_and_given_back(place: str, bucket: Bucket) -> None:
    with leased(place):
        assert list(bucket.files()) == ["out/.release.work/lock-000001"]
        with pytest.raises(ReleaseError, match="The same job is running"), leased(place):
            pass
        check_held(place)
    assert bucket.files() == {}
    with leased(place):
        pass


def test_the_lock_of_a_dead_run_is_taken_over(place: str, bucket: Bucket) -> None:
    bucket.put("out/.release.work/lock-000007", b"dead")
    with leased(place):
        assert "out/.release.work/lock-000008" in bucket.files()
    assert bucket.files() == {}


def test_who_was_taken_over_does_not_go_on(place: str, bucket: Bucket) -> None:
    with leased(place):
        bucket.put("out/.release.work/lock-000002", b"another")
        with pytest.raises(ReleaseError, match="has taken over"):
            check_held(place)
    assert list(bucket.files()) == ["out/.release.work/lock-000002"]


def test_of_many_who_try_at_once_one_succeeds(place: str, bucket: Bucket) -> None:
    ready = threading.Barrier(6)

    def attempt(number: int) -> bool:
        ready.wait()
        return RemoteFolder(place).create("lock-000001", str(number).encode())

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


def test_an_answer_that_was_lost_does_not_lock_its_own_run_out(
    place: str, bucket: Bucket, connection: Connection
) -> None:
    connection.breaks = [Break("PUT", "lock-000001", "lost")]
    with leased(place):
        check_held(place)
    assert connection.happened == ["lost"]


def test_two_runs_of_one_job(place: str, bucket: Bucket, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused and the first not disturbed; a run that was overtaken leaves the last step to the other."""
    target = f"{bucket.url}/out/release"
    job = parse_job(json.dumps(settings("memory", f"{bucket.url}/data", target)))
    seen: list[str] = []
    check = lease.check_held

    def again(held: str) -> None:
        with pytest.raises(ReleaseError, match="The same job is running"), leased(held):
            pass
        seen.append(held)
        bucket.put(f"{held.removeprefix(f'{bucket.url}/')}/lock-000002", b"another")
        check(held)

    monkeypatch.setattr("replicant.run.release_writer.check_held", again)
    with pytest.raises(PartialError, match="has taken over"):
        run_job(job, Backend(threads=1))
    digest = seen[0].split(".")[-3]
    assert seen == [Records(staging_folder(target, digest)).folder.url]
    assert not [name for name in bucket.files() if name.startswith("out/release/")]
