"""What is not run as it stands, and why. All else is run, and an entry that fits nothing fails a test."""

from __future__ import annotations

from enum import Enum

__all__ = ["COMMANDS", "HEADERS", "LANGUAGES", "OWN_NETWORK", "PICTURES", "How"]


class How(Enum):
    """What becomes of a command line that does not run with the other blocks of its page."""

    SLOW = "run by `make check`, with the whole page"
    CI = "run by .ci/run, which makes the same target"
    PARSED = "parsed by the program that it calls"


COMMANDS: dict[tuple[str, str], tuple[How, str]] = {
    ("README.md", "make demo"): (How.CI, "one of its targets"),
    ("README.md", "make test"): (How.CI, "the step that runs this test"),
    ("README.md", "replicant run jobs/demo_study.yaml"): (
        How.SLOW,
        "half a minute; tests/jobs/test_jobs.py runs less of it",
    ),
    (
        "README.md",
        "Rscript -e 'd <- mice::boys; s <- mice::mice(d, m = 1, print = FALSE); "
        """write.csv(mice::complete(s), "boys_completed.csv", row.names = FALSE)'""",
    ): (How.SLOW, "needs R and mice"),
    ("README.md", "replicant run jobs/boys_study.yaml --set data=boys_completed.csv"): (How.SLOW, "two minutes"),
    ("README.md", "replicant resume release"): (
        How.PARSED,
        "needs a run that was interrupted; tests/chaos/test_chaos.py has them",
    ),
    (
        "engine/docs/gate.md",
        'replicant release release --override distinct_donors --reason "teaching data, 1 % of the register" '
        '--by "A. Owner"',
    ): (How.PARSED, "needs a release that is withheld; tests/run/test_gated.py has them"),
    ("CONTRIBUTING.md", "make setup"): (How.CI, "a step of its own"),
    ("CONTRIBUTING.md", "make quick"): (How.PARSED, "some of the tests of make test"),
    ("CONTRIBUTING.md", "make test"): (How.CI, "the step that runs this test"),
    ("CONTRIBUTING.md", "make lint"): (How.CI, "one of its targets"),
    ("CONTRIBUTING.md", "make docs"): (How.CI, "one of its targets"),
    ("CONTRIBUTING.md", "make check"): (How.PARSED, "runs this test; many minutes"),
    ("CONTRIBUTING.md", "make fuzz"): (How.PARSED, "many minutes; .ci/run runs less of tests/fuzz/test_fuzz.py"),
    ("CONTRIBUTING.md", "make chaos"): (How.PARSED, "many minutes; .ci/run runs less of tests/chaos/test_chaos.py"),
    ("CONTRIBUTING.md", "make bench"): (How.PARSED, "many minutes, and figures of a quiet machine"),
    ("CONTRIBUTING.md", ".ci/run"): (How.PARSED, "runs this test"),
    **{
        ("engine/docs/installation.md", f"python -m pip install {words}"): (How.PARSED, "needs a registry")
        for words in (
            "--require-hashes --requirement requirements.lock",
            "--no-deps --no-build-isolation .",
            "--require-hashes --requirement requirements-extras.lock",
            "--constraint constraints.txt polars",
        )
    },
    **{
        (f"engine/docs/{page}.md", rf"sed -e '/--hash=/d' -e 's/ \\$//' requirements-dev.lock > {file}"): (
            How.PARSED,
            "of a clone; what follows needs a registry",
        )
        for page, file in (("installation", "constraints.txt"),)
    },
    ("engine/docs/tutorial.md", "make setup"): (How.CI, "a step of its own"),
    ("engine/docs/tutorial.md", ". .venv/bin/activate"): (
        How.PARSED,
        "of make setup; here it is the test's own",
    ),
    ("engine/docs/operations.md", "replicant run job.yaml --dry-run --scheduler tcp://10.0.0.5:8786"): (
        How.PARSED,
        "needs a scheduler; tests/run/test_dry_run.py looks for one",
    ),
    ("engine/docs/operations.md", "replicant resume release --dry-run"): (
        How.PARSED,
        "needs a run that was interrupted; tests/run/test_dry_run.py has one",
    ),
    ("engine/docs/operations.md", "source <(replicant completion zsh)"): (
        How.PARSED,
        "for another shell; tests/cli/test_completion.py has it",
    ),
    (
        "engine/docs/operations.md",
        "replicant completion fish > ~/.config/fish/completions/replicant.fish",
    ): (How.PARSED, "for another shell, and writes into the home; tests/cli/test_completion.py has it"),
    ("engine/docs/operations.md", "make sbom"): (How.CI, "one of its targets"),
    ("engine/docs/studies.md", "replicant resume build/study"): (
        How.PARSED,
        "needs a study that was interrupted; tests/run/test_study.py has them",
    ),
}
"""(page, command line) -> what becomes of it, and the reason. Tests that are named must exist."""

_INSTALLED = "installs from an index; tests/deploy/test_wheelhouse.py installs without one"
COMMANDS |= {
    ("engine/docs/systems.md", line): (How.PARSED, _INSTALLED)
    for line in (
        "make wheelhouse",
        "python3 -m venv offline",
        ". offline/bin/activate",
        "pip install --no-index --find-links build/wheelhouse --require-hashes "
        "--requirement build/wheelhouse/requirements.txt",
        'make wheelhouse ARGS="--python-version 3.12 --platform manylinux_2_28_aarch64 '
        '--platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64"',
    )
}
COMMANDS["engine/docs/cluster.md", 'pip install "replicant-synthesis[cluster]"'] = (How.PARSED, _INSTALLED)
_KUBERNETES = "no live Kubernetes; tests/deploy/test_kubernetes.py reads what it would apply"
_MACHINE = "changes the machine; tests/deploy/test_systemd.py checks the files"
_SECRET = (
    "kubectl create secret generic replicant-{role}-tls --namespace replicant --from-file=ca.crt=certificates/ca.crt "
)
_PAIR = "--from-file=tls.crt=certificates/{role}.crt --from-file=tls.key=certificates/{role}.key"
_SUBMITTED = (
    "sbatch deploy/slurm/replicant.sbatch job.yaml",
    "sbatch --nodes=2 --ntasks=32 --mem-per-cpu=2G --time=08:00:00 deploy/slurm/replicant.sbatch job.yaml --overwrite",
    "sbatch --array=1-24 --ntasks=2 deploy/slurm/replicant.sbatch --list releases.txt",
    "first=$(sbatch --parsable --time=01:00:00 deploy/slurm/replicant.sbatch job.yaml)",
    "sbatch --time=01:00:00 --dependency=afternotok:$first --kill-on-invalid-dep=yes "
    "deploy/slurm/replicant.sbatch job.yaml",
    "sbatch --cpus-per-task=8 --mem=16G --signal=B:TERM@60 --wrap 'exec replicant run job.yaml --threads 8'",
)
_DEPLOYED = {
    **dict.fromkeys(_SUBMITTED, "needs a Slurm; tests/deploy/test_slurm.py has one"),
    "podman build --file deploy/container/Containerfile --tag replicant:0.1.0 .": "tests/deploy/test_container.py",
    "docker compose --file deploy/compose/compose.yaml up --exit-code-from job": "no container engine; "
    "tests/deploy/test_roles.py runs its commands",
    "kubectl create namespace replicant": _KUBERNETES,
    **{(_SECRET + _PAIR).format(role=role): _KUBERNETES for role in ("scheduler", "worker", "client")},
    "kubectl create secret generic replicant-object-store --namespace replicant "
    "--from-literal=AWS_ACCESS_KEY_ID=... --from-literal=AWS_SECRET_ACCESS_KEY=... "
    "--from-literal=AWS_ENDPOINT_URL=https://store.agency.example": _KUBERNETES,
    "kubectl apply --kustomize deploy/kubernetes/cluster": _KUBERNETES,
    "kubectl apply --kustomize deploy/kubernetes/overlays/object-store": _KUBERNETES,
    "kubectl logs --namespace replicant --follow replicant-runner": _KUBERNETES,
    "install -m 0644 deploy/systemd/replicant@.service deploy/systemd/replicant@.timer /etc/systemd/system/": _MACHINE,
    "install -m 0644 deploy/systemd/replicant.sysusers.conf /etc/sysusers.d/replicant.conf": _MACHINE,
    "install -m 0644 deploy/systemd/replicant.tmpfiles.conf /etc/tmpfiles.d/replicant.conf": _MACHINE,
    "systemd-sysusers && systemd-tmpfiles --create": _MACHINE,
    "systemctl enable --now replicant@survey.timer": _MACHINE,
}
COMMANDS |= {("deploy/README.md", line): (How.PARSED, reason) for line, reason in _DEPLOYED.items()}

HEADERS: dict[str, str] = {
    "replicant run jobs/demo_study.yaml": "half a minute; tests/jobs/test_jobs.py runs less of it",
    "replicant run jobs/boys_study.yaml --set data=boys_completed.csv": "two minutes; tests/jobs/test_jobs.py has less",
    "replicant run jobs/boys_plane.yaml --set data=boys_completed.csv": "minutes; tests/jobs/test_jobs.py has less",
    "replicant run jobs/sd2011.yaml --set input.path=sd2011.csv": "its data are R's; tests/jobs/test_jobs.py runs it",
    "replicant run jobs/ma2019.yaml --set input.path=ma2019.csv": "NIST's data; tests/jobs/test_jobs.py runs it",
    "replicant run jobs/boys_incomplete.yaml --set data=boys.csv": "its data are R's; tests/jobs/test_jobs.py runs it",
    "replicant run jobs/boys_study.yaml --set data=boys_imputed/imputation=01/part-0.parquet": "two minutes",
    "replicant run jobs/boys_incomplete_study.yaml --set data=boys_completed.csv": "a minute, or less in tests/jobs",
}
"""Commands in the headers of `jobs/` that only `make check` runs, and why."""

LANGUAGES: dict[str, str] = {
    "stata": "there is no Stata; tests/release/test_scripts.py tests the form of the script",
}
"""Languages whose blocks are shown only."""

PICTURES: dict[tuple[str, str], str] = {
    (
        "README.md",
        "source ──> table ──> plan ──> fit ──> draw ──> estimate ──> pool      ──> utility,   ──> gate     ──> release",
    ): "the way of the data",
    (
        "engine/docs/architecture.md",
        "source ──> table ──> plan ──> fit ──> draw ──> release ──> estimate ──> pool ──> study",
    ): "the way of the data",
    ("engine/docs/architecture.md", "engine/replicant/"): "files, compared in test_reference.py",
    ("engine/docs/architecture.md", "load ──> prepare (partition) ──> fit (column group, imputation) ──┐"): "tasks",
    (
        "engine/docs/bulk.md",
        "releases/                    for everybody",
    ): "files, looked for in tests/bulk/test_run.py",
    ("engine/docs/job-file.md", "release/"): "files, compared in test_reference.py",
}
"""(page, first line) of texts that are no output."""

OWN_NETWORK = {"deploy/README.md"}
"""Pages whose addresses and ports may be taken, or are none of this machine's: skipped where no network can be made."""
