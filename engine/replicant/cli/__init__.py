"""The command line: `replicant inspect | plan | run | verify`.

Results go to standard output, everything else to standard error.
"""
