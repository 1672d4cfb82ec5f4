"""Replicant in a notebook whose workers are jobs of a batch system: paste it into cells, or run it.

Needs `pip install "replicant-synthesis[jobqueue]"`, and certificates on a disk that all nodes see, as
`deploy/tls/make_certificates.sh certificates` makes them: anybody who reaches a plain scheduler may read the data of its workers.
"""

from pathlib import Path

from dask_jobqueue import SLURMCluster
from distributed import Client, Security

import replicant as rp

certificates = Path("certificates").resolve()
pairs = {
    f"tls_{role}_{part}": str(certificates / f"{role}.{ending}")
    for role in ("scheduler", "worker", "client")
    for part, ending in (("cert", "crt"), ("key", "key"))
}
worker = {
    "cores": 1,
    "processes": 1,
    "memory": "4GiB",
    "walltime": "01:00:00",
    "security": Security(require_encryption=True, tls_ca_file=str(certificates / "ca.crt"), **pairs),
    # The HTTP pages of scheduler and workers are for those who are logged in where they run.
    "scheduler_options": {"dashboard_address": "127.0.0.1:0"},
    "worker_extra_args": ["--dashboard-address", "127.0.0.1:0"],
    # What workers spill are cells: a folder of the user's alone, gone with the job.
    "job_script_prologue": [
        "umask 077",
        'scratch=$(mktemp -d "${TMPDIR:-/tmp}/replicant-XXXXXXXX")',
        "trap 'rm -rf \"$scratch\"' EXIT",
        "trap : TERM",
    ],
    "local_directory": '"$scratch"',
}
# The same for others, with what they call memory and cores:
#     PBSCluster(**worker, resource_spec="select=1:ncpus=1:mem=4gb")
#     LSFCluster(**worker | {"walltime": "01:00"}, lsf_units="mb")
#     SGECluster(**worker, resource_spec="h_vmem=4G")

if __name__ == "__main__":
    with SLURMCluster(**worker) as cluster, Client(cluster) as client:
        cluster.scale(jobs=2)
        syn = rp.synthesize("survey.parquet", m=5, seed=1, client=client)
        print(syn)
        syn.to_parquet("release")
