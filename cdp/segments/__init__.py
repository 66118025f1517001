"""Segments: which people meet a condition, since when, and why."""
