"""What a file system raises, in its own words, is named by what happens next: renew the credentials, or come back later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.contract import AuthError, SourceError, Unavailable

_FOREIGN = frozenset({"adlfs", "aiohttp", "azure", "botocore", "gcsfs", "google", "paramiko", "s3fs"})
"""Packages whose errors are those of a file system, besides OSError."""
_REFUSALS = (401, 403)
_DENIED = ("AccessDenied", "Authentication", "Credential", "Forbidden", "Permission", "Unauthorized")


@contextmanager
def named(place: str) -> Iterator[None]:
    """Turn errors of file systems into those of sources; any other is a fault in the program and stays what it is.

    Raises:
        AuthError: the file system refuses the credentials, or there are none.
        Unavailable: it does not answer, or a file went away.
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        kind = type(error)
        if not isinstance(error, OSError) and kind.__module__.partition(".")[0] not in _FOREIGN:
            raise
        if _denies(error):
            cure = "give the account that runs this the right to list and read it"
            raise AuthError(f"{place}: access is denied ({kind.__name__}): {cure}") from None
        raise Unavailable(f"{place}: the file system does not answer ({kind.__name__})") from None


def _denies(error: Exception) -> bool:
    """Whether it says so by its kind, by the status of the answer (Azure, gcsfs), or by its first word (gcsfs makes 403 an OSError)."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    named_so = any(word in type(error).__name__ for word in _DENIED)
    return isinstance(error, PermissionError) or named_so or status in _REFUSALS or str(error).startswith("Forbidden")
