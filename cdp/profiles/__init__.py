"""Unified profiles: stable ids over what identity finds, golden values by a declared policy, and everything that ever happened."""

from cdp.profiles.refresh import RefreshReport, link_interactions, refresh, refresh_named
from cdp.profiles.resolve import ResolveReport, resolve_profiles
from cdp.profiles.search import SearchPage, find, is_phone
from cdp.profiles.views import (
    BadCursor,
    JournalEntry,
    LinkView,
    NotFound,
    ProfileSummary,
    ProfileView,
    RecordView,
    TimelinePage,
    get,
    history,
    living,
    records,
    timeline,
)

__all__ = [
    "BadCursor",
    "JournalEntry",
    "LinkView",
    "NotFound",
    "ProfileSummary",
    "ProfileView",
    "RecordView",
    "RefreshReport",
    "ResolveReport",
    "SearchPage",
    "TimelinePage",
    "find",
    "get",
    "history",
    "is_phone",
    "link_interactions",
    "living",
    "records",
    "refresh",
    "refresh_named",
    "resolve_profiles",
    "timeline",
]
