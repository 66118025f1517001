"""Segments: which people meet a condition, since when, and why."""

from cdp.segments.columnar import Copy
from cdp.segments.deciding import build, refresh_in_copy
from cdp.segments.explain import Why, explain
from cdp.segments.membership import SegmentReport, SegmentsReport, members_as_of, refresh
from cdp.segments.monitor import delete_monitor, run_monitors, save_monitor
from cdp.segments.pipeline import RefreshReport, changed_since, refresh_all, refresh_changed, refresh_soon
from cdp.segments.plan import SegmentPlan, plan
from cdp.segments.preview import Preview, preview
from cdp.segments.store import Segment, checked, delete, dependants, get, save, segments
from cdp.segments.text import parse, write

__all__ = [
    "Copy",
    "Preview",
    "RefreshReport",
    "Segment",
    "SegmentPlan",
    "SegmentReport",
    "SegmentsReport",
    "Why",
    "build",
    "changed_since",
    "checked",
    "delete",
    "delete_monitor",
    "dependants",
    "explain",
    "get",
    "members_as_of",
    "parse",
    "plan",
    "preview",
    "refresh",
    "refresh_all",
    "refresh_changed",
    "refresh_in_copy",
    "refresh_soon",
    "run_monitors",
    "save",
    "save_monitor",
    "segments",
    "write",
]
