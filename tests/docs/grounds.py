"""What lies in the folder in which a page is run: data, jobs and releases that the page takes for granted.

This runs in the process that runs the page, before its first block.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def survey(rows: int = 400) -> None:
    """`survey.parquet`, and `.csv`: people with measures, schooling, stages, a missing code, and a region."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    age = rng.integers(8, 21, rows)
    stage = np.clip(np.round((age - 8) / 2.2 + rng.normal(0, 0.8, rows)), 0, 5).astype(int)
    hgt = np.round(110 + 4 * age + 3 * stage + rng.normal(0, 6, rows), 1)
    wgt = np.round(np.exp(0.018 * hgt + rng.normal(0.6, 0.1, rows)), 1)
    people = pd.DataFrame(
        {
            "age": age,
            "hgt": hgt,
            "wgt": wgt,
            "bmi": wgt / (hgt / 100) ** 2,
            "phb": np.array(["P1", "P2", "P3", "P4", "P5", "P6"])[stage],
            "educ": rng.choice(["low", "middle", "high"], rows, p=[0.3, 0.5, 0.2]),
            "region": rng.choice(["north", "east", "south", "west"], rows),
            "unempdur": np.where(rng.random(rows) < 0.2, -8, rng.poisson(3, rows)),
        }
    )
    people.to_parquet("survey.parquet", index=False)
    people.to_csv("survey.csv", index=False)


def job(output: str = "release") -> None:
    """`job.yaml`, two sets of the survey."""
    survey()
    Path("job.yaml").write_text(
        "input: {path: survey.parquet}\n"
        "columns: {phb: {kind: ordered, levels: [P1, P2, P3, P4, P5, P6]}}\n"
        "synthesis: {m: 2, seed: 1, passive: {bmi: wgt / (hgt / 100)**2}}\n"
        f"output: {{path: {output}}}\n"
    )


def release() -> None:
    """`release`, five sets of the survey with scripts for R and Stata."""
    import replicant as rp

    survey()
    columns = {"phb": {"kind": "ordered", "levels": ["P1", "P2", "P3", "P4", "P5", "P6"]}}
    syn = rp.synthesize("survey.parquet", m=5, seed=1, columns=columns)
    syn.to_parquet("release", csv=True, helpers=["r", "stata"])


def register() -> None:
    """`register.parquet`, a survey of more people."""
    survey(5000)
    Path("survey.parquet").rename("register.parquet")


def years() -> None:
    """`in/{region}-{year}.parquet`: surveys of three years in two regions."""
    Path("in").mkdir()
    for year in (2019, 2020, 2021):
        for region in ("north", "south"):
            survey(300)
            Path("survey.parquet").rename(f"in/{region}-{year}.parquet")


def object_store() -> None:
    """A server that speaks S3, found by the environment, with `survey.parquet` in a bucket."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ.pop("AWS_PROFILE", None)
    said = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    os.environ.update({f"AWS_{name}": value for name, value in {**said, "DEFAULT_REGION": "us-east-1"}.items()})
    survey()
    store = fsspec.filesystem("s3")
    store.mkdir("office")
    store.put_file("survey.parquet", "office/survey.parquet")


def repository() -> None:
    """The files of the repository, as a clone has them, with the survey and a job at its root."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, name)
    job()


GROUNDS: dict[str, tuple[Callable[[], None], ...]] = {
    "jobs": (repository,),
    "README.md": (repository,),
    "CONTRIBUTING.md": (repository,),
    "deploy/README.md": (repository,),
    "engine/docs/analysing.md": (release,),
    "engine/docs/bulk.md": (years,),
    "engine/docs/cluster.md": (job,),
    "engine/docs/dossier.md": (release,),
    "engine/docs/errors.md": (survey,),
    "engine/docs/from-mice.md": (survey,),
    "engine/docs/object-stores.md": (object_store,),
    "engine/docs/operations.md": (job,),
    "engine/docs/scale.md": (register,),
    "engine/docs/schedule.md": (job,),
    "engine/docs/studies.md": (survey,),
    "engine/docs/upgrading.md": (release,),
}
"""Page -> what is laid out for it. All others begin in an empty folder."""
