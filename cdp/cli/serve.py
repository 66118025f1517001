"""`cdp serve`: hands the process over to gunicorn, which finds the application by its name."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace

import click

from cdp.cli.console import database, err, settings
from cdp.errors import PlatformError
from cdp.settings import Settings


class AddressTaken(PlatformError):
    """Nobody can listen there."""


@click.command()
@click.option("--host", help="Address to listen on (setting host).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (setting port).")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer (setting workers).")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API and the page."""
    given = {name: value for name, value in (("host", host), ("port", port), ("workers", workers)) if value is not None}
    chosen = replace(settings(), **given)  # type: ignore[arg-type]  # each option has the type of its field
    check_address(chosen)
    database().dispose()
    err.print(f"Serving on http://{chosen.host}:{chosen.port} (Ctrl-C stops)", markup=False)
    os.execv(sys.executable, command(chosen))  # noqa: S606  # the arguments are our own


def check_address(chosen: Settings) -> None:
    """Whether the page can be served where it shall be; asked before any work, since gunicorn only finds out at the end.

    Raises:
        AddressTaken: another program listens there, or this machine has no such address.
    """
    try:
        socket.create_server((chosen.host, chosen.port), family=socket.AF_INET6 if ":" in chosen.host else socket.AF_INET).close()
    except OSError as error:
        raise AddressTaken(
            f"the page cannot be served at {chosen.host}:{chosen.port}: {error.strerror or error}. "
            "Perhaps another `cdp serve` or `cdp demo` runs: stop it, or choose another port with --port"
        ) from None


def command(chosen: Settings) -> list[str]:
    """The gunicorn command line that serves under `chosen`."""
    return [
        *(sys.executable, "-m", "gunicorn", "api.wsgi:app", "--config", "python:api.serving"),
        *("--bind", f"{chosen.host}:{chosen.port}"),
        *("--workers", str(chosen.workers), "--threads", "8", "--worker-class", "gthread"),
        *("--timeout", "60", "--graceful-timeout", "20", "--keep-alive", "5"),
        *("--max-requests", "20000", "--max-requests-jitter", "2000"),
        *("--limit-request-line", "8190", "--limit-request-field_size", "8190"),
        *("--worker-tmp-dir", "/dev/shm" if os.path.isdir("/dev/shm") else str(chosen.home)),  # noqa: S108  # gunicorn's heartbeat file
        *("--name", "cdp", "--log-level", "warning"),
    ]
