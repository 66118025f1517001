"""Segments: which people meet a condition, since when, and why."""

from cdp.segments.columnar import Copy
from cdp.segments.deciding import build, refresh_in_copy, refresh_saved
from cdp.segments.declaring import declare_attributes
from cdp.segments.explain import Why, explain
from cdp.segments.membership import Move, SegmentReport, SegmentsReport, changes, members_as_of, recorded_since, refresh
from cdp.segments.monitor import (
    FIRES,
    Logged,
    Monitor,
    Task,
    check_monitor,
    delete_monitor,
    finish_task,
    firings,
    get_monitor,
    monitors,
    run_monitors,
    save_monitor,
    tasks,
)
from cdp.segments.pipeline import RefreshReport, changed_since, decide, refresh_all, refresh_changed, refresh_since, refresh_soon
from cdp.segments.plan import SegmentPlan, plan
from cdp.segments.preview import Preview, preview
from cdp.segments.store import Segment, checked, delete, dependants, get, naming, save, save_all, segments
from cdp.segments.text import parse, write

__all__ = [
    "FIRES",
    "Copy",
    "Logged",
    "Monitor",
    "Move",
    "Preview",
    "RefreshReport",
    "Segment",
    "SegmentPlan",
    "SegmentReport",
    "SegmentsReport",
    "Task",
    "Why",
    "build",
    "changed_since",
    "changes",
    "check_monitor",
    "checked",
    "decide",
    "declare_attributes",
    "delete",
    "delete_monitor",
    "dependants",
    "explain",
    "finish_task",
    "firings",
    "get",
    "get_monitor",
    "members_as_of",
    "monitors",
    "naming",
    "parse",
    "plan",
    "preview",
    "recorded_since",
    "refresh",
    "refresh_all",
    "refresh_changed",
    "refresh_in_copy",
    "refresh_saved",
    "refresh_since",
    "refresh_soon",
    "run_monitors",
    "save",
    "save_all",
    "save_monitor",
    "segments",
    "tasks",
    "write",
]
