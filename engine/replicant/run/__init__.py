"""Running a plan: one after another, on threads, or on a Dask cluster. The only room that knows Dask.

lower.py     plan -> steps and what each needs
work.py      what a step does: load, prepare, fit, draw
planned.py   the steps of a plan as pieces of the farm
farm.py      pieces and what each needs, made here or on a cluster; processes.py in processes joined by pipes
cluster.py   a `distributed` client, a local cluster of our own, and what goes wrong with them
reduce.py    estimators' partitions on a cluster: sums come here, rows do not
reading.py   a release to be read here or by a cluster
progress.py  what the user, or a log, is told meanwhile
effort.py    what pieces took, counted where they are made; metrics.py writes it beside the internal manifest
preview.py   what a job would do; rehearsal.py whether it could, here and now; roll_call.py asks the workers
failure.py   unexpected exceptions become errors without a cell value
job.py       one YAML job, from input to finished release
"""
