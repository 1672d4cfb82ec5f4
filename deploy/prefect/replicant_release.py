"""A release. One that was stopped or killed is tried again by the same line, and goes on."""

import subprocess

from prefect import flow, task


def worth_another_try(task, run, state) -> bool:
    """Whether the job may end otherwise next time: a bad job file (2) and bad data (3) stay bad."""
    error = state.result(raise_on_failure=False)
    return getattr(error, "returncode", None) not in {2, 3}


@task(retries=3, retry_delay_seconds=300, retry_condition_fn=worth_another_try)
def release(job: str, output: str) -> None:
    subprocess.run(["replicant", "run", job, "--quiet", "--set", f"output.path={output}"], check=True)


@flow
def replicant_release(job: str = "/etc/replicant/survey.yaml", output: str = "/srv/replicant/output/survey") -> None:
    release(job, output)


if __name__ == "__main__":
    replicant_release()
