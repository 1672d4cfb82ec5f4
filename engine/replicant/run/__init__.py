"""Jobs: from a YAML file to what it leaves behind.

job.py               one job, from input to finished release; study.py: a study, block by block
planned.py           a plan on a table in memory; lower.py: its steps and their needs; work.py: what a step does
parted.py            a table larger than memory; pieces.py: what is done to a chunk, a part, a file
release_writer.py    finished partitions to a finished release
partial_results.py   what is finished meanwhile; checkpoint.py: of a study
resumable.py         what all jobs share that can be taken up again; resume.py takes one up
preview.py           what a job would do; footprint.py: its memory; dry_run.py: whether it could, here and now
metrics.py           what a run took, beside the internal manifest
"""
