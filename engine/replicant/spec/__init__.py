"""What the user asks for: job files, settings, and the small language of expressions and rules.

load.py         a job file, or settings, to a document that is checked; explain.py: what is wrong with it
models.py       a job; study.py, bulk.py: its sections of these names; schema.py: all of it for an editor
expression.py   arithmetic on columns; rule.py: conditions on them; grammar.py, nodes.py: what both are made of
convert.py      calls of mice and synthpop in R as jobs
"""
