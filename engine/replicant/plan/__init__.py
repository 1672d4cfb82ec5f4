"""From spec and table to a frozen plan. Pure: no I/O, no clock, and no randomness but the streams of the seed."""

from __future__ import annotations

from replicant.plan.build import build_plan
from replicant.plan.column import ColumnPlan, Partition
from replicant.plan.model import Plan
from replicant.plan.seeds import Stage, stream
from replicant.plan.task import Task

__all__ = ["ColumnPlan", "Partition", "Plan", "Stage", "Task", "build_plan", "stream"]
