"""The conformance kit: `conform` runs every rule of the contract against a connector and the system that it ships to be tested on.

The command line reaches it through the entry point `kit` of the group `cdp.connector_kit`.
"""

from __future__ import annotations

from connectors.testing.checks import CHECKS, Failed
from connectors.testing.conformance import Result, conform, conform_named, connector, fake_of, run
from connectors.testing.coverage import mapping_of, unmapped
from connectors.testing.fake import FakeVendor, Fault, Row, reply
from connectors.testing.scaffold import new
from connectors.testing.system import System

__all__ = [
    "CHECKS",
    "Failed",
    "FakeVendor",
    "Fault",
    "Result",
    "Row",
    "System",
    "conform",
    "conform_named",
    "connector",
    "fake_of",
    "mapping_of",
    "new",
    "reply",
    "run",
    "unmapped",
]
