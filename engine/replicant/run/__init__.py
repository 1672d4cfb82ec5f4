"""Jobs: from a YAML file to a release or the results of a study.

job.py               one job, from input to finished release, whatever its size; study.py: a study, block by block
source.py            where a table is read from
in_memory.py         the pipeline of a table in memory; tasks.py: what its tasks do
partitioned.py       the pipeline of a table in partitions; partition_tasks.py: what its tasks do
partitioning.py      which rows go to which partition; chunks.py, slices.py, held_sets.py: where rows are meanwhile
release_writer.py    finished partitions to a finished release
partial_results.py   finished tasks of an unfinished run; checkpoint.py: those of a study
resumable.py         the resume hint; resume.py: completing an interrupted job
preview.py           what a job would do; footprint.py: its memory; dry_run.py: whether it could, here and now
metrics.py           time, memory and bytes of a run
"""
