"""Many releases in one run.

plan.py       what would be done
run.py        what is done: side by side, the index, comparisons of neighbours
tasks.py      one release from its job to its verification; one comparison
staleness.py  whether a release is missing, changed, or as its job says
ledger.py     the internal index: fingerprints, seeds, reasons
result.py     how it ended
"""

from replicant.bulk.ledger import begun_at
from replicant.bulk.plan import BulkPlan, dry_run_bulk, plan_bulk
from replicant.bulk.result import BulkResult, Outcome
from replicant.bulk.run import run_bulk

__all__ = ["BulkPlan", "BulkResult", "Outcome", "begun_at", "dry_run_bulk", "plan_bulk", "run_bulk"]
