"""An SFTP server is believed only where its key is the one that the definition names: nobody in between gets an audience."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cdp.activation.errors import DestinationConfig


def options(path: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options of the file system at `path`; for `sftp://` with the check of the server's key in place of `host_key`.

    Raises:
        DestinationConfig: no key is named, or paramiko is not installed.
    """
    found = dict(given)
    key = found.pop("host_key", None)
    if not path.startswith(("sftp://", "ssh://")):
        return found
    if not isinstance(key, str):
        raise DestinationConfig(
            f"{where}: an SFTP folder needs the option host_key: `ssh-keyscan HOST | ssh-keygen -lf -` prints it (SHA256:…)"
        )
    return {**found, "host_key_policy": _policy(key, where)}


def _policy(expected: str, where: str) -> Any:
    try:
        import paramiko
    except ImportError:
        raise DestinationConfig(f"{where} needs paramiko: pip install 'customer-data-platform[sftp]'") from None

    def check(_: Any, client: Any, hostname: str, key: Any) -> None:
        found = "SHA256:" + b64encode(sha256(key.asbytes()).digest()).decode().rstrip("=")
        if found != expected:
            raise OSError(f"the server shows another key than host_key ({key.get_name()} {found})")

    return type("OnlyThis", (paramiko.MissingHostKeyPolicy,), {"missing_host_key": check})()
