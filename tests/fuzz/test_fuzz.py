"""Whatever table and settings are given, the end is a release that verifies, or an error that says what to do.

The short form runs with the other tests; `make fuzz` runs the long one, `REPLICANT_FUZZ` being the number of examples.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import DataError, ReplicantError, SpecError
from replicant.execution.backend import Backend
from replicant.methods import registered
from replicant.release import Release
from replicant.run.job import run_job
from replicant.spec.load import load_job
from replicant.trees.compile import ensure_compiled

from .strategies import CANARIES, READINGS, Case, Job, cases, estimands, expressions, jobs, models

pytestmark = pytest.mark.fuzz

EXAMPLES = int(os.environ.get("REPLICANT_FUZZ", "150"))
HUNG = 60.0
"""Seconds after which an example of a few dozen cells counts as one that never ends."""

METHODS = (
    "cart",
    "sample",
    "rf",
    "pmm",
    "norm",
    "polyreg",
    "polr",
    "logreg",
    "lda",
    "midastouch",
    "normrank",
    "catall",
)
"""A few methods of each kind."""

FEW = 20
"""Files that libraries may open once and for all; what every example leaves open is more."""

FAMILIES = (SpecError, DataError)
"""What a user may be told of tables and settings; a `RunError` would be an exception that nobody foresaw."""


def fuzzed(share: float) -> Any:
    """Hypothesis' settings for a test that takes this share of the examples."""
    return settings(
        max_examples=max(1, round(share * EXAMPLES)),
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


class Hung(BaseException):
    """An example that does not end; no `except Exception` on the way may take it for something else."""


@contextlib.contextmanager
def _watched(scratch: Path) -> Iterator[Path]:
    """A folder for one example, which must end, warn of nothing, and leave no thread and no file behind."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    threads = set(threading.enumerate())

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hung(f"still at it after {HUNG:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HUNG)
    faulthandler.dump_traceback_later(5 * HUNG, exit=True)  # compiled code does not hear signals
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield folder
        assert not told, [f"{one.filename}:{one.lineno}: {one.message}" for one in told]
        for thread in set(threading.enumerate()) - threads:
            thread.join(timeout=10)
            assert not thread.is_alive(), thread
        left = [path.name for path in scratch.iterdir() if path != folder]
        left += [path.name for path in folder.rglob("*") if path.name.startswith(".") or "partial" in path.name]
        assert left == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()
        shutil.rmtree(folder)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of all examples, and for temporary files too; no file in it may stay open."""
    ensure_compiled()  # an example may not take so long, where the cache is empty
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = psutil.Process()
    files = process.num_fds()
    yield tmp_path
    assert process.num_fds() <= files + FEW


def _no_canary(what: str, text: str) -> None:
    for canary in CANARIES:
        assert canary not in text, f"a cell in {what}: {text}"


def _refused(error: ReplicantError, levels: Iterable[Any] = ()) -> None:
    """An error is of a family that a user can act on, and names no cell but these levels, which a release shows."""
    assert isinstance(error, FAMILIES), f"{type(error).__name__}: {error}"
    said = f"{error} {error!r} {error.args!r}"
    for level in map(str, levels):  # of numbers, too
        said = said.replace(level, "") if any(canary in level for canary in CANARIES) else said
    _no_canary("an error", said)
    assert not error.__cause__, "an error carries the one it came from, which may quote cells"
    event(f"refused: {type(error).__name__}")


def _public(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest but for the codebook's levels and declared codes, which are part of a release."""
    columns = [{**column, "levels": None, "labels": None, "missing_codes": None} for column in manifest["columns"]]
    return {**manifest, "columns": columns, "files": None}


def _cells(column: pd.Series) -> set[Any]:
    return set(column[~column.isna()].tolist())


def _check_frame(made: pd.DataFrame, real: pd.DataFrame, case: Case) -> None:
    """Types are those of the real table, values are values of real cells, passive columns hold."""
    book = case.codebook or {}
    labelled = {name for name, said in book.items() if said and said.get("labels") is not None}
    recoded = {name for name in made.columns if name in labelled or name not in real.columns}
    passive = set(case.spec.get("passive") or {})
    for name in made.columns:
        if name in recoded or name in passive:
            continue
        assert made[name].dtype == real[name].dtype, (name, made[name].dtype, real[name].dtype)
        if (book.get(name) or {}).get("decimals") is None:  # those of which it is declared are rounded
            assert _cells(made[name]) <= _cells(real[name]), name
        assert real[name].isna().any() or not made[name].isna().any(), name
    for name, (inputs, formula) in case.formulas.items():
        if {name, *inputs} & {*book, *recoded} or name not in made or passive != {name}:
            continue
        numbers = {other: made[other].to_numpy(dtype=np.float64) for other in inputs}
        np.testing.assert_allclose(made[name].to_numpy(dtype=np.float64), formula(numbers), rtol=1e-12)


def _check_release(path: Path, real: pd.DataFrame, case: Case) -> Release:
    assert rp.verify_release(path).ok
    release = rp.read_release(path)
    assert release.m == case.spec.get("m", 5)
    for frame in release:
        assert len(frame) == (case.spec.get("k") or len(real))
        _check_frame(frame, real, case)
    _no_canary("the manifest", str(_public(release.manifest)))
    _no_canary("an event", str(release.events))
    _no_canary("a repr", repr(release))
    return release


def _check_analysis(sets: Any, model: str, formula: str) -> None:
    """A model can be fitted and pooled, or the error says why not."""
    try:
        pooled = sets.analyse(model, formula).pool()
    except ReplicantError as error:
        _refused(error, [level for column in sets.manifest["columns"] for level in column.get("levels") or ()])
    else:
        _no_canary("the terms", repr(list(pooled.frame.columns)))
        event("pooled")


@fuzzed(0.5)
@given(data=st.data(), case=cases())
def test_a_frame_becomes_a_release_or_is_refused(scratch: Path, data: st.DataObject, case: Case) -> None:
    before = case.frame.copy(deep=True)
    with _watched(scratch) as folder:
        try:
            made = rp.synthesize(case.frame, columns=case.codebook, **case.spec)
            made.to_parquet(folder / "release", csv=data.draw(st.booleans()))
        except ReplicantError as error:
            _refused(error)
            assert list(folder.iterdir()) == []
            return
        pd.testing.assert_frame_equal(case.frame, before)
        release = _check_release(folder / "release", case.frame, case)
        for frame, again in zip(made, release, strict=True):
            pd.testing.assert_frame_equal(frame, again, check_exact=True, check_column_type=False)
        for thing in (made, made.plan, made.table, made.codebook, *made.table.columns):
            _no_canary("a repr", repr(thing))
        _no_canary("an event", str(made.events))
        str(made), str(made.plan), str(made.table), str(made.codebook)
        event("released")
        if data.draw(st.integers(0, 4)) == 4:
            _check_analysis(data.draw(st.sampled_from([made, release])), *data.draw(models(case.frame)))


def _write(job: Job, folder: Path) -> Path | None:
    """The job's table as a file; None where pandas cannot write it."""
    path = folder / f"data{job.suffix}"
    try:
        if job.suffix == "/":
            path.mkdir()
            job.case.frame.to_parquet(path / "part-0.parquet", index=False)
        elif job.suffix == ".parquet":
            job.case.frame.to_parquet(path, index=False)
        else:
            job.case.frame.to_csv(path, index=False)
    except Exception:
        return None
    return path


@fuzzed(0.4)
@given(job=jobs())
def test_a_job_becomes_a_release_or_is_refused(scratch: Path, job: Job) -> None:
    with _watched(scratch) as folder:
        path = _write(job, folder)
        if path is None:
            event("no such file can be written")
            return
        document = job.document
        for section, at in (("input", path), ("output", folder / "release")):
            if isinstance(document.get(section), dict):
                document[section] = {"path": str(at), **document[section]}
        text = yaml.safe_dump(document, sort_keys=False) if job.text is None else job.text
        (folder / "job.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
        here = Path.cwd()
        os.chdir(folder)
        try:
            result = run_job(load_job(folder / "job.yaml", job.overrides), Backend(threads=1))
        except ReplicantError as error:
            _refused(error)
            assert {item.name for item in folder.iterdir()} <= {path.name, "job.yaml"}
            return
        finally:
            os.chdir(here)
        _no_canary("an event", str(result.events))
        _no_canary("a repr", repr(result))
        result.text()
        assert rp.verify_release(result.target).ok
        if not job.overrides and "columns" not in document["input"]:
            # A section may have been replaced by an empty one: what the file says counts.
            said = replace(job.case, spec=document["synthesis"] or {}, codebook=document.get("columns"))
            reading = {key: value for key, value in document["input"].items() if key in READINGS}
            observed = rp.read_data(path, reading=reading, codebook=document.get("columns"))
            _check_release(Path(result.target), observed, said)
        event("released")


@fuzzed(0.04)
@given(data=st.data(), case=cases())
def test_a_study_ends(scratch: Path, data: st.DataObject, case: Case) -> None:
    spec = {key: value for key, value in case.spec.items() if key not in {"k", "threads", "columns"}}
    with _watched(scratch):
        try:
            found = rp.study(
                case.frame,
                2,
                estimands=data.draw(estimands(case.frame)) if len(case.frame.columns) else None,
                columns=case.codebook,
                progress=False,
                **spec,
            )
            found.to_html()
        except ReplicantError as error:
            _refused(error)
            return
        event("studied")
        repr(found)


@fuzzed(0.05)
@given(case=cases(), method=st.sampled_from([None, *METHODS]), synthesized=st.booleans())
def test_a_table_is_imputed_or_refused(scratch: Path, case: Case, method: str | None, synthesized: bool) -> None:
    with _watched(scratch):
        try:
            table = rp.encode_table(case.frame, case.codebook)
            kinds = None if method is None else registered()[method].kinds
            chosen = kinds and {column.name: method for column in table if column.kind in kinds}
            if synthesized:
                settings = {"missing": "impute", "imputation": {"maxit": 1, "method": chosen}}
                found: Any = rp.synthesize(table, m=1, seed=1, threads=1, **settings)
            else:
                found = rp.impute(table, m=2, maxit=2, seed=1, method=chosen, threads=1)
        except ReplicantError as error:
            _refused(error)
            return
        _no_canary("an event", str(found.events))
        event("imputed")
        assert len(found[0]) == table.n
        str(found)


@fuzzed(0.06)
@given(text=expressions() | st.text(max_size=200))
def test_a_text_is_an_expression_or_is_refused(scratch: Path, text: str) -> None:
    frame = pd.DataFrame(
        {"x": [1.0, 2.0, -3.0], "y": [0, 1, 2], "net income": [5.5, 0.0, np.nan], "p": [1.0, 2.0, 3.0]}
    )
    with _watched(scratch):
        for spec in ({"passive": {"p": text}}, {"where": [text]}, {"where": {"x": text}}):
            try:
                made = rp.synthesize(frame, m=1, seed=1, **spec)
            except ReplicantError as error:
                _refused(error)
            else:
                event("released")
                assert not np.isinf(made[0]["p"].to_numpy()).any()
