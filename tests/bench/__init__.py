"""Benchmarks: what they time is printed and written down, never asserted; `pytest` collects nothing here."""
