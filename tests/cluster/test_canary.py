"""No cell value leaves the data: canaries among the cells are looked for in everything that runs leave behind or say.

One cluster, as anyone would start it, with its logs at DEBUG and so little memory that workers spill. On it run a job,
a job in parts, a study, a job from a frame, one whose method fails and quotes cells, one whose worker is killed, and
some that are refused. Meanwhile the cluster's whole state, its events, its pages and the names of its files are kept.
Then all of it is searched for the canaries, as text and as bytes. Releases are left out: they hold values of the data.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import msgpack
import numpy as np
import pandas as pd
import psutil
import pytest
from distributed import Client

import replicant as rp
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run.job import run_job
from replicant.run.study import run_study_job
from replicant.spec.load import load_job

pytestmark = pytest.mark.cluster

ROWS = 15_000
NUMBER = 471147.25
DAY = pd.Timestamp("1931-05-17")
LEVEL = "canary-zebra"  # of a column that is synthesized: levels are part of a release
DROPPED = "canary-okapi"  # of a column that is not read
REFUSED = "canary-quokka"  # of a column that is refused

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(rp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    "DASK_LOGGING__DISTRIBUTED": "debug",
    # Spill whatever is more than a quarter of a megabyte, and never pause.
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "0.00025",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "0.0005",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "false",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false",
}

JOB = """
input: {{path: {folder}/data.parquet, columns: [income, born, age, score, word, group]}}
columns: {{word: {{kind: nominal}}}}
synthesis: {{m: 3, seed: 5, fits: shared, strata: group, min_stratum: 50}}
output: {{path: {folder}/{out}}}
"""

PARTED = """
input: {{path: {folder}/data.parquet, columns: [income, born, age, score, word]}}
columns: {{word: {{kind: nominal}}}}
synthesis: {{m: 2, partition_rows: 2500, seed: 5}}
output: {{path: {folder}/{out}}}
"""

STUDY = """
input: {{path: {folder}/data.parquet, columns: [income, age, score, word]}}
columns: {{word: {{kind: nominal}}}}
synthesis: {{m: 2, seed: 5, cp: 0.01}}
study:
  replicates: 4
  estimands:
    - {{name: fit, model: ols, formula: income ~ age + score}}
    - {{means: [income, age]}}
    - {{describe: [age, score]}}
    - {{discriminate: ~ income + age}}
output: {{path: {folder}/{out}}}
"""

FAILING = """
import sys
import replicant as rp
from distributed import Client


class Quoting:
    def fit(self, y, x, weights, rng):
        cells = sorted(y.numbers.tolist())
        raise ValueError(f"cannot understand {cells[-1]!r} in {cells[-5:]}") from KeyError(cells)

    def draw(self, x, rng):
        raise NotImplementedError


if __name__ == "__main__":
    rp.register_method("quoting", Quoting())
    with Client(sys.argv[1], set_as_default=False) as client:
        try:
            rp.synthesize(sys.argv[2], m=1, seed=1, method={"income": "quoting"}, client=client,
                          columns={"name": {"kind": "nominal"}, "word": {"kind": "nominal"}})
        except rp.ReplicantError as error:
            print(error, repr(error), vars(error))
            raise SystemExit(7)
"""


def forms(value: Any) -> list[bytes]:
    """A canary as it might be written."""
    if isinstance(value, str):
        return [value.encode(), value.encode("utf-16-le"), value.encode("utf-32-le")]
    if isinstance(value, pd.Timestamp):
        texts = [f"{value:%Y-%m-%d}", f"{value:%Y, }{value.month}, {value.day}", f"{value:%d.%m.%Y}", f"{value:%Y%m%d}"]
        days = (value - pd.Timestamp(0)).days
        whole = [value.as_unit(unit).value for unit in ("s", "ms", "us", "ns")]
        counts = [struct.pack("<d", days), struct.pack(">d", days), *(struct.pack("<q", one) for one in whole)]
        return [*(text.encode() for text in texts), *(str(one).encode() for one in whole), *counts]
    texts = [repr(value), f"{value:,}", f"{value:.2e}", str(int(value))]
    return [*(text.encode() for text in texts), struct.pack("<d", value), struct.pack(">d", value)]


def pattern(way: bytes) -> bytes:
    """What finds a way to write a canary. Digits count where no other digits or decimal point stand beside them.

    A cluster says thousands of times and sizes: of all numbers of six digits, one in fifty is somewhere among their
    digits, and one in ten thousand stands alone (measured).
    """
    return rb"(?<![\d.])" + way + rb"(?!\d)" if way.isdigit() else re.escape(way)


CANARIES = {
    value: re.compile(b"|".join(map(pattern, forms(value)))) for value in (NUMBER, DAY, LEVEL, DROPPED, REFUSED)
}


def found_in(content: bytes, allowed: tuple[Any, ...] = ()) -> list[Any]:
    return [value for value, ways in CANARIES.items() if value not in allowed and ways.search(content)]


@dataclass
class Ground:
    """A cluster to run on, and everything that was heard and seen there.

    Attributes
    ----------
    folder, address
        Where files are, and the scheduler.
    seen
        Name to content of whatever was said or kept.
    spilled
        Names of spilled files.
    """

    folder: Path
    address: str
    seen: dict[str, bytes] = field(default_factory=dict)
    spilled: dict[str, bool] = field(default_factory=dict)

    def say(self, name: str, content: Any) -> None:
        """Keep what was said."""
        text = content if isinstance(content, bytes) else str(content).encode()
        self.seen[f"{name} ({len(self.seen)})"] = text

    def look(self, name: str) -> None:
        """Keep what can be seen of the cluster now: state, events, logs, pages, names of files."""
        with Client(self.address, set_as_default=False) as client:
            state = self.folder / f"{len(self.seen)}.msgpack.gz"
            client.dump_cluster_state(str(state))
            content = gzip.decompress(state.read_bytes())
            self.say(f"{name}: state", content)
            self.say(f"{name}: state as text", msgpack.unpackb(content, strict_map_key=False))
            tasks = client.run_on_scheduler(_asks_for_tasks())
            keys = [key for key in tasks if not key.startswith("(")]  # those of graphs are no texts
            for what, told in {
                "tasks": tasks,
                "events": client.run_on_scheduler(lambda dask_scheduler: repr(dask_scheduler.get_events())),
                "story": client.story(*keys) if keys else "",
                "task stream": client.get_task_stream(),
                "who has": client.who_has(),
                "has what": client.has_what(),
                "processing": client.processing(),
                "call stacks": client.call_stack(keys=keys) if keys else "",
                "profile": client.profile(),
                "scheduler logs": client.get_scheduler_logs(n=100_000),
                "worker logs": client.get_worker_logs(n=100_000),
                "nanny logs": client.get_worker_logs(n=100_000, nanny=True),
            }.items():
                self.say(f"{name}: {what}", told)
            self._pages(name, client.dashboard_link.removesuffix("/status"))
        for path in (self.folder / "scratch").rglob("*"):
            self.say(f"{name}: file name", path.name)
            if path.parent.name == "storage" and path.is_file():
                try:
                    content = path.read_bytes()
                except FileNotFoundError:  # it was wanted back
                    continue
                self.spilled[path.name] = NUMBER in found_in(content)

    def _pages(self, name: str, home: str) -> None:
        todo = [f"/{page}" for page in ("info/main/workers.html", "info/logs.html", "metrics", "json/counts.json")]
        done: set[str] = set()
        while todo and len(done) < 60:
            page = todo.pop()
            if page in done:
                continue
            done.add(page)
            try:
                with urllib.request.urlopen(home + page, timeout=20) as answer:
                    content = answer.read()
            except OSError:
                continue
            self.say(f"{name}: {page}", content)
            links = re.findall(r'href="([^":]+\.html)"', content.decode(errors="replace"))
            todo += ["/info/" + link.removeprefix("../").removeprefix("../") for link in links]


def _asks_for_tasks() -> Callable[..., dict[str, str]]:
    """Makes what reads all that the scheduler keeps of each task. (Defined inside, it travels by value.)"""
    names = (
        "run_spec",
        "exception",
        "exception_text",
        "traceback",
        "traceback_text",
        "annotations",
        "type",
        "metadata",
    )

    def tasks(dask_scheduler: Any) -> dict[str, str]:
        told = {}
        for key, task in dask_scheduler.tasks.items():
            told[str(key)] = " ".join(f"{name}={getattr(task, name, None)!r}" for name in names)
            for kept in (task.run_spec, task.exception, task.traceback):
                for frame in getattr(kept, "frames", None) or ():
                    told[str(key)] += bytes(frame).decode("latin-1")  # serialized things, as they are
        return told

    return tasks


class Look(Progress):
    """Looks at the cluster at the first few steps of a run."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.ground = ground
        self.name = name
        self.times = 2

    def note(self, line: str) -> None:
        self.ground.say(f"{self.name}: note", line)

    def advance(self, units: int) -> None:
        if self.times:
            self.times -= 1
            self.ground.look(self.name)
            for path in self.ground.folder.glob("*partial*/**/*"):
                self.ground.say(f"{self.name}: file name", path.name)
                if path.is_file() and path.suffix not in {".parquet", ".csv", ".arrow"}:  # the release's, or rows
                    self.ground.say(f"{self.name}: {path.name}", path.read_bytes())


class Kill(Look):
    """Kills a worker in the middle of a run."""

    def advance(self, units: int) -> None:
        if self.times == 2:
            with Client(self.ground.address, set_as_default=False) as client:
                for number in client.run(os.getpid).values():
                    psutil.Process(number).kill()
                    break
        super().advance(units)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """The data, the cluster, and all runs on it."""
    folder = tmp_path_factory.mktemp("canary")
    _plant(folder)
    known = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--scheduler-file", str(known), "--dashboard-address", "127.0.0.1:0"]
    scratch = [
        "--nworkers",
        "2",
        "--nthreads",
        "1",
        "--memory-limit",
        "1GB",
        "--local-directory",
        str(folder / "scratch"),
    ]
    with ExitStack() as running:
        for words in (["scheduler", "--port", "0"], ["worker", *scratch]):
            log = running.enter_context((folder / f"{words[0]}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words, *here], env=ENVIRONMENT, cwd=folder, stdout=log, stderr=log
            )
            running.callback(_end, process)
            until = time.monotonic() + 60
            while not (known.exists() and known.read_text().rstrip().endswith("}")):
                assert time.monotonic() < until
                time.sleep(0.05)
        ground = Ground(folder, json.loads(known.read_text())["address"])
        _run_all(ground)
        ground.look("at the end")
    for name in ("scheduler", "worker"):
        ground.say(f"{name}.log", (folder / f"{name}.log").read_bytes())
    return ground


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _plant(folder: Path) -> None:
    rng = np.random.default_rng(8)
    age = rng.integers(18, 90, ROWS).astype(float)
    income = np.round(age * 100 + rng.normal(0, 800, ROWS), 2)
    born = pd.Timestamp("1940-01-01") + pd.to_timedelta(rng.integers(0, 20_000, ROWS), unit="D")
    frame = pd.DataFrame(
        {
            "income": income,
            "born": born,
            "age": age,
            "score": np.round(income / 3 + rng.normal(0, 50, ROWS), 2),
            "word": rng.choice(["yes", "no", "perhaps"], ROWS),
            "group": rng.choice(["north", "south", "west", "east"], ROWS),
            "secret": rng.choice(["blue", "green"], ROWS),
            "name": rng.choice(["Ann", "Bob"], ROWS),
        }
    )
    at = ROWS // 3
    frame.loc[at, ["income", "born", "word", "secret", "name"]] = [NUMBER, DAY, LEVEL, DROPPED, REFUSED]
    frame.to_parquet(folder / "data.parquet", index=False)
    frame["name"] = [f"person {i}" for i in range(ROWS)]
    frame.loc[at, "name"] = REFUSED
    frame.to_parquet(folder / "refused.parquet", index=False)
    frame["name"] = [b"binary"] * (ROWS - 1) + [REFUSED.encode()]
    frame.to_parquet(folder / "bytes.parquet", index=False)


def _run_all(ground: Ground) -> None:
    folder = ground.folder

    def job(text: str, out: str) -> Any:
        (folder / f"{out}.yaml").write_text(text.format(folder=folder, out=out))
        return load_job(folder / f"{out}.yaml")

    def command(name: str, *words: str) -> int:
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        ground.say(f"{name}: said", done.stdout + done.stderr)
        return done.returncode

    with ExitStack() as reported:
        if find_spec("bokeh"):
            from distributed import performance_report

            client = reported.enter_context(Client(ground.address, set_as_default=False))
            reported.enter_context(client.as_current())
            reported.enter_context(performance_report(filename=str(folder / "performance.html")))
        result = run_job(job(JOB, "release"), Backend(scheduler=ground.address), progress=Look(ground, "job"))
    if find_spec("bokeh"):
        ground.say("performance report", (folder / "performance.html").read_bytes())
    ground.say("job: events", [str(event) for event in result.events])
    parted = run_job(job(PARTED, "parted"), Backend(scheduler=ground.address), progress=Look(ground, "parted"))
    ground.say("parted: events", [str(event) for event in parted.events])
    run_study_job(job(STUDY, "study"), Backend(scheduler=ground.address), progress=Look(ground, "study"))
    killed = job(JOB, "killed")
    run_job(killed, Backend(scheduler=ground.address), progress=Kill(ground, "killed"))
    with Client(ground.address, set_as_default=False) as client:
        frame = pd.read_parquet(folder / "data.parquet", columns=["income", "age", "word"])
        syn = rp.synthesize(frame, columns={"word": {"kind": "nominal"}}, m=1, seed=1, client=client)
        ground.say("frame: said", [repr(syn), *(str(event) for event in syn.events)])
        lazy = dd.read_parquet(folder / "data.parquet", columns=["income", "age", "born", "word"])
        syn = rp.synthesize(
            lazy, columns={"word": {"kind": "nominal"}}, m=2, seed=1, partition_rows=4000, client=client
        )
        ground.look("lazy frame")
        syn.analyse("ols", "income ~ age")
        ground.say("lazy frame: said", [repr(syn), *(str(event) for event in syn.events)])
    (folder / "failing.py").write_text(FAILING)
    assert command("failing", "failing.py", ground.address, "data.parquet") == 7
    ground.look("failing")
    for name in ("refused", "bytes"):
        text = JOB.replace("data.parquet, columns: [income, born, age, score, word, group]", f"{name}.parquet")
        job(text, name)
        words = ("-m", "replicant.cli.main", "run", f"{name}.yaml", "--scheduler", ground.address)
        assert command(name, *words) == 3
        assert command(name, *words[:-2], "--threads", "2") == 3
    assert command("plan", "-m", "replicant.cli.main", "plan", "release.yaml") == 0


# ----------------------------------------------------------------------------------------------------------------------


def test_the_search_finds_what_is_there(ground: Ground) -> None:
    """The data, the release, and the files that workers spill do hold canaries."""
    assert set(found_in((ground.folder / "refused.parquet").read_bytes())) >= {DROPPED, REFUSED, LEVEL}
    assert any(ground.spilled.values()), "nothing with a canary was spilled: the memory limit does not bite"
    for value in CANARIES:
        for way in forms(value):
            assert found_in(b"x" + way + b"x") == [value]
    assert found_in(b"at 1764426.471147, 84711479 bytes") == []


def test_nothing_that_was_said_or_kept_holds_a_cell(ground: Ground) -> None:
    leaks = {name: found_in(content) for name, content in ground.seen.items()}
    assert {name: values for name, values in leaks.items() if values} == {}


def test_what_was_looked_at_is_what_there_is(ground: Ground) -> None:
    """The looks came while tasks were there, failures were told, and logs are at DEBUG."""
    whole: dict[str, bytes] = {}
    for name, content in ground.seen.items():
        base = name.rpartition(" (")[0]
        whole[base] = whole.get(base, b"") + content
    for name, key in {
        "job": b"shared-",
        "parted": b"shared-",
        "study": b"block-",
        "killed": b"shared-",
        "lazy frame": b"held-",
    }.items():
        assert key in whole[f"{name}: tasks"]
    assert b"ValueError" in whole["failing: said"]
    assert b"looks like an identifier" in whole["refused: said"]
    assert b"DEBUG" in whole["scheduler.log"]
    assert b"DEBUG" in whole["worker.log"]
    assert any("workers.html" in name for name in whole)


@pytest.mark.parametrize("out", ["release", "killed", "parted"])
def test_manifests_and_names_hold_no_cell_but_levels(out: str, ground: Ground) -> None:
    for path in (ground.folder / out).rglob("*"):
        assert found_in(path.name.encode()) == []
        if path.suffix == ".json":
            assert found_in(path.read_bytes(), allowed=(LEVEL,)) == []
    for path in (ground.folder / f"{out}-internal").rglob("*"):
        if path.is_file():
            assert found_in(path.read_bytes(), allowed=(LEVEL,)) == []


def test_what_is_not_read_is_in_no_file_of_a_release(ground: Ground) -> None:
    for path in (ground.folder / "release").rglob("*"):
        if path.is_file():
            assert not {DROPPED, REFUSED} & set(found_in(path.read_bytes()))


def test_results_of_a_study_hold_statistics_only(ground: Ground) -> None:
    files = [path for path in (ground.folder / "study").rglob("*") if path.is_file()]
    assert {"results.json", "report.html"} <= {path.name for path in files}
    for path in files:
        assert found_in(path.read_bytes()) == [], path.name


def test_failed_runs_leave_nothing(ground: Ground) -> None:
    names = {path.name for path in ground.folder.iterdir()}
    assert not {name for name in names if name.startswith(("refused", "bytes"))} - {
        "refused.parquet", "refused.yaml", "bytes.parquet", "bytes.yaml"
    }  # fmt: skip
    assert not [name for name in names if "partial" in name]
    assert not list((ground.folder / "scratch").rglob("storage/*"))
