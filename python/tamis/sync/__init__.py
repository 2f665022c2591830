"""What changed in a source, and how the index follows."""

from tamis.sync.apply import Prepared, prepare
from tamis.sync.changes import Change, changes
from tamis.sync.fingerprint import Stat, file_hash, file_stat
from tamis.sync.journal import Journal
from tamis.sync.plan import Plan, plan_sync
from tamis.sync.report import Skipped, Stale, StaleReason, SyncReport
from tamis.sync.source import File, Found, indexed, look, tell

__all__ = [
    "Change",
    "File",
    "Found",
    "Journal",
    "Plan",
    "Prepared",
    "Skipped",
    "Stale",
    "StaleReason",
    "Stat",
    "SyncReport",
    "changes",
    "file_hash",
    "file_stat",
    "indexed",
    "look",
    "plan_sync",
    "prepare",
    "tell",
]
