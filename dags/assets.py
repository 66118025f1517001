"""What one DAG hands to the next: a DAG runs when what it needs is fresh, not when a clock says so."""

from airflow.sdk import Asset

PROFILES = Asset("cdp://profiles")
ATTRIBUTES = Asset("cdp://attributes")
SEGMENTS = Asset("cdp://segments")
