"""What changed in a source, and how the index follows."""

from tamis.sync.apply import Prepared, prepare
from tamis.sync.fingerprint import file_hash
from tamis.sync.plan import Plan, plan_sync
from tamis.sync.report import Skipped, SyncReport

__all__ = ["Plan", "Prepared", "Skipped", "SyncReport", "file_hash", "plan_sync", "prepare"]
