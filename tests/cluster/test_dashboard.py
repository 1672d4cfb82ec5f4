"""Dask's dashboard with bokeh, which the extra `cluster` brings: its link is shown, and its pages are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

import replicant as rp

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ROOT / "build" / "dashboard"
"""Where `make dashboard` puts bokeh: in the environment it would slow down every cluster that a test starts."""

JOB = """
input: {{dataset: anes96, columns: [age, educ, income, vote]}}
synthesis: {{m: 20, seed: 1}}
output: {{path: {folder}/release}}
"""

PROGRAM = """
import sys
from replicant.cli.main import main
main(sys.argv[1:])
"""


def test_workers_name_the_dashboard_and_its_pages_are_there(tmp_path: Path) -> None:
    if find_spec("bokeh") is None and not (BESIDE / "bokeh").is_dir():
        pytest.skip("no bokeh: `make dashboard` fetches it")
    (tmp_path / "job.yaml").write_text(JOB.format(folder=tmp_path))
    words = [sys.executable, "-c", PROGRAM, "run", str(tmp_path / "job.yaml"), "--workers", "1"]
    paths = [str(Path(rp.__file__).parents[1]), str(BESIDE), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        words, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        said = ""
        link = None
        while link is None and (line := run.stderr.readline()):
            said += line
            link = re.search(r"dashboard: (http://127\.0\.0\.1:\d+)/status", said)
        assert link is not None, said
        for page in ("status", "workers", "tasks", "graph"):
            with urllib.request.urlopen(f"{link[1]}/{page}", timeout=60) as opened:
                assert b"bokeh" in opened.read().lower(), page
        run.stderr.read()
    assert run.returncode == 0
