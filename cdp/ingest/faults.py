"""A connector or a mapping that trips over what a source sent stops its stream, as an error that names the place, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb

from cdp.records.source import ContractError, SourceError

FAULTS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What code raises that did not expect what it got; Arrow's errors and those of Unicode are among them."""


def told(error: Exception, where: str) -> SourceError:
    """The error itself, or a fault as an error of the stream; its own text is left out, for it may hold a value of the row."""
    if isinstance(error, SourceError):
        return error
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{'/'.join(Path(frame.filename).parts[-2:])}, line {frame.lineno}"
    return ContractError(
        f"{where}: what the source sent is not what the connector or the mapping expects ({type(error).__name__} at {place}). "
        "Nothing of this page was taken; mend the connector, or report this line, and sync again"
    )
