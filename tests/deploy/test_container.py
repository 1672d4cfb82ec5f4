"""deploy/container: read by its instructions, its entrypoint run; built and run by buildah where that is (slow)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

import replicant
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.spec.load import load_job

from .manifests import DEPLOY, ROOT, documents

FOLDER = DEPLOY / "container"
FILE = FOLDER / "Containerfile"
ENTRYPOINT = FOLDER / "entrypoint.sh"


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of every stage: word and rest, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[tuple[str, str]]] = [[]]
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            found.append([])
        found[-1].append((word, re.sub(r"\s+", " ", rest)))
    return found[1:]


def rests(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in stage if name == word]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".containerignore").read_text().split("\n")
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    sources = [
        source
        for stage in stages()
        for rest in rests(stage, "COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in allowed), source
    assert (ROOT / ".dockerignore").resolve() == ROOT / ".containerignore"


def test_everything_comes_from_the_lock() -> None:
    build, final = stages()
    fetched = [rest for rest in rests(build, "RUN") if re.search(r"pip\S* .*\binstall\b", rest)]
    assert len(fetched) == 2
    assert "--require-hashes" in fetched[0]
    assert fetched[0].endswith("requirements-extras.lock")
    assert "--no-index --no-deps" in fetched[1]
    assert not [rest for rest in rests(final, "RUN") if "pip" in rest or "apt" in rest]


def test_what_builds_is_taken_out_again() -> None:
    """Of the lock, what only the extra `build` asks for, directly or not."""
    wanted: dict[str, set[str]] = {}
    for entry in re.split(r"\n(?=\w)", (ROOT / "requirements-extras.lock").read_text()):
        name = re.match(r"([\w.-]+)==", entry)
        if name:
            above = re.findall(r"^    #(?: via|  ) +([\w.-]+)", entry.replace("# via\n", ""), re.MULTILINE)
            wanted[name[1]] = set(above) - {"-c"}
    direct = {"hatchling", "editables"}
    gone = set(direct)
    while more := {name for name, above in wanted.items() if above and above <= gone} - gone:
        gone |= more
    assert gone > direct
    (line,) = [rest for rest in rests(stages()[0], "RUN") if " uninstall " in rest]
    named = re.search(r"uninstall --yes ([\w\s-]+?) &&", line)
    assert named is not None
    assert set(named[1].split()) == gone


def test_nobody_is_root_and_everybody_is_the_same_user() -> None:
    _, final = stages()
    (user,) = rests(final, "USER")
    assert user == "10001:10001"
    assert "--uid 10001" in rests(final, "RUN")[0]
    pods = (DEPLOY / "kubernetes").rglob("*.yaml")
    named = {int(one) for path in pods for one in re.findall(r"runAs(?:User|Group): (\d+)", path.read_text())}
    assert named == {10001}


def test_versions_are_the_package_s() -> None:
    assert f'image.version="{replicant.__version__}"' in FILE.read_text()
    (compose,) = documents((DEPLOY / "compose" / "compose.yaml").read_text())
    assert f"replicant:{replicant.__version__}" in compose["x-everyone"]["image"]


@pytest.fixture
def scratch(tmp_path: Path) -> dict[str, str]:
    """An image's kernel, and the environment of a container."""
    (tmp_path / "image" / "trees_0").mkdir(parents=True)
    (tmp_path / "image" / "trees_0" / "grow.nbi").write_text("index")
    return {
        "PATH": os.environ["PATH"],
        "REPLICANT_KERNEL": str(tmp_path / "image"),
        "NUMBA_CACHE_DIR": str(tmp_path / "scratch"),
    }


def enter(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ENTRYPOINT, *words], env=environment, capture_output=True, text=True, check=False)


def test_the_kernel_is_put_where_it_is_read_and_the_command_takes_over(scratch: dict[str, str]) -> None:
    done = enter(scratch, "sh", "-c", "exit 4")
    assert (done.returncode, done.stderr) == (4, "")
    kernel = Path(scratch["NUMBA_CACHE_DIR"])
    assert (kernel / "trees_0" / "grow.nbi").read_text() == "index"
    assert {path.name for path in kernel.parent.iterdir()} == {"image", "scratch"}


def test_a_kernel_that_is_there_stays(scratch: dict[str, str]) -> None:
    kernel = Path(scratch["NUMBA_CACHE_DIR"])
    kernel.mkdir()
    (kernel / "mine").touch()
    assert enter(scratch, "true").returncode == 0
    assert [path.name for path in kernel.iterdir()] == ["mine"]


def test_containers_that_share_a_folder_do_not_disturb_each_other(scratch: dict[str, str]) -> None:
    started = [subprocess.Popen([ENTRYPOINT, "true"], env=scratch, stderr=subprocess.PIPE) for _ in range(8)]
    assert [(one.wait(30), one.communicate()[1]) for one in started] == [(0, b"")] * 8
    kernel = Path(scratch["NUMBA_CACHE_DIR"])
    assert [path.name for path in kernel.iterdir()] == ["trees_0"]
    assert {path.name for path in kernel.parent.iterdir()} == {"image", "scratch"}


class Builder:
    """buildah with a store of its own, without a daemon and without namespaces that a container may not make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        store = ("--root", self.folder / "store", "--runroot", self.folder / "run")
        command = [str(word) for word in ("buildah", *store, *words)]
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
        assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"building an image takes root, buildah and debootstrap; missing: {missing}")
    made = Builder(tmp_path_factory.mktemp("images"))
    yield made
    made("rm", "--all", check=False)
    made("rmi", "--all", "--force", check=False)
    shutil.rmtree(made.folder, ignore_errors=True)  # gigabytes


@pytest.fixture(scope="module")
def image(builder: Builder) -> str:
    """The image, built on Debian with the Python that the file names, made here."""
    root = builder.folder / "debian"
    wanted = re.search(r"^ARG PYTHON=python:(\d+\.\d+)-slim-(\w+)$", FILE.read_text(), re.MULTILINE)
    assert wanted is not None
    python, debian = wanted.groups()
    packages = "python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", debian, root], check=True, capture_output=True
    )
    if not (root / "usr" / "bin" / f"python{python}").exists():
        pytest.skip(f"Debian {debian} has another Python than {python}")
    base = builder("from", "scratch").stdout.strip()
    builder("copy", "--quiet", base, root, "/")
    builder("commit", "--quiet", base, "localhost/python")
    shutil.rmtree(root)
    # Whoever this machine trusts when it fetches packages.
    trust = ("--volume", "/etc/ssl/certs:/etc/ssl/certs:ro", "--env", "PIP_CERT=/etc/ssl/certs/ca-certificates.crt")
    base_and_network = ("--build-arg", "PYTHON=localhost/python", "--network", "host")
    builder("build", *base_and_network, *trust, "--file", FILE, "--tag", "replicant:test", ".")
    return "localhost/replicant:test"


@pytest.mark.slow
def test_the_image_is_built_and_makes_the_release_of_this_machine(builder: Builder, image: str, tmp_path: Path) -> None:
    job = (ROOT / "jobs" / "demo.yaml").read_text()
    (tmp_path / "job.yaml").write_text(job.replace("build/demo", "/scratch/demo"))
    container = builder("from", image).stdout.strip()
    builder("copy", container, tmp_path / "job.yaml", "/job.yaml")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return builder("run", container, "--", "entrypoint", *words)

    assert run("id", "-u").stdout.strip() == "10001"
    done = run("replicant", "run", "/job.yaml", "--workers", "2")
    assert "Compiling" not in done.stderr  # by no process: the kernel of the image is read
    run("replicant", "verify", "/scratch/demo")
    hidden = (
        "test ! -e /opt/replicant/bin/pip && ! python -c 'import hatchling' 2>/dev/null && test ! -w /opt/replicant"
    )
    run("sh", "-c", hidden)

    (tmp_path / "here.yaml").write_text(job.replace("build/demo", str(tmp_path / "demo")))
    run_job(load_job(tmp_path / "here.yaml", ()), Backend(threads=1))
    sums = run("sh", "-c", "cd /scratch/demo && find . -name '*.parquet' -exec sha256sum {} +").stdout.splitlines()
    ours = {
        f"{sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(tmp_path / 'demo')}"
        for path in (tmp_path / "demo").rglob("*.parquet")
    }
    assert len(ours) == 5
    assert set(sums) == ours
