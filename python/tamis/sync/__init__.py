"""What changed in a source, and how the index follows."""

from tamis.sync.apply import Prepared, prepare
from tamis.sync.fingerprint import Stat, file_hash, file_stat
from tamis.sync.plan import Plan, plan_sync
from tamis.sync.report import Skipped, SyncReport

__all__ = [
    "Plan",
    "Prepared",
    "Skipped",
    "Stat",
    "SyncReport",
    "file_hash",
    "file_stat",
    "plan_sync",
    "prepare",
]
