"""The command line: `replicant inspect`, `plan`, `run`, `verify` and the rest.

Results go to standard output, everything else to standard error.
"""
