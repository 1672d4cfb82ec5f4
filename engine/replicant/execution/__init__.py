"""Where and how tasks run: threads, processes of this machine, or a Dask cluster. The only package that imports Dask.

backend.py        what the user chose: threads, processes, a scheduler, a client, and how much memory
executor.py       runs tasks with a bounded number under way; on threads. schedule.py: which comes next, what is held
processes.py      the same in processes of this machine
dask_executor.py  the same on the workers of a client; packed.py: calls as bytes, which the scheduler does not open
dask_client.py    a `distributed` client, a local cluster of our own, and what goes wrong with them
tls.py            certificates; scratch.py: private folders; versions.py: which versions the workers run
failure.py        unexpected exceptions become errors without a cell value
timing.py         what tasks took, measured where they ran
progress.py       what the user, or a log, sees meanwhile; live.py: in a notebook
partitions.py     estimators' partitions on a cluster: sums come here, rows do not; dask_frames.py: sets as lazy frames
"""
