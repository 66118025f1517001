"""What one DAG hands to the next: a DAG runs when what it needs is fresh, not when a clock says so."""

from airflow.sdk import Asset

from cdp.vendors import connector_names

LANDED = {name: Asset(f"cdp://landing/{name}") for name in connector_names()}
PROFILES = Asset("cdp://profiles")
ATTRIBUTES = Asset("cdp://attributes")
SEGMENTS = Asset("cdp://segments")
