"""Running jobs: here, on threads, in processes, or on a Dask cluster. The only room that knows Dask.

Work is pieces, and pieces are made by the farm:

farm.py         pieces and what each needs, made here or on a cluster; processes.py: in processes joined by pipes
where.py        what was chosen of these
cluster.py      a `distributed` client, a local cluster of our own, and what goes wrong with them
trust.py        certificates; scratch.py: private folders; roll_call.py: which versions the workers run
failure.py      unexpected exceptions become errors without a cell value
effort.py       what pieces took, counted where they are made; metrics.py writes it beside the internal manifest

What is cut into pieces:

planned.py      a plan on a table in memory; lower.py: its steps and their needs; work.py: what a step does
parted.py       a table larger than memory; pieces.py: what is done to a chunk, a part, a file
study.py        a study, block by block
bulk/           many releases
reduce.py       estimators' partitions on a cluster: sums come here, rows do not; reading.py: a release to be read so

From a job to what it leaves behind:

job.py          one YAML job, from input to finished release
writer.py       finished partitions to a finished release; records.py, checkpoint.py: what is finished meanwhile
resumable.py    what all jobs share that can be taken up again; resume.py takes one up; lease.py holds a place by URL
preview.py      what a job would do; footprint.py: its memory; rehearsal.py: whether it could, here and now
progress.py     what the user, or a log, is told meanwhile; live.py: in a notebook
"""
