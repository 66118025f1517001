"""`cdp users`, `cdp keys`, `cdp audit`: who may use the platform, and what was done."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from rich.table import Table

from cdp import access
from cdp.cli.console import database, err, out


def _time(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


@click.group()
def users() -> None:
    """People and programs that may use the platform."""


@users.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in access.Role]), default="viewer", show_default=True)
@click.option("--department", "departments", multiple=True, help="As sources name it; several times for several. None: no one department.")
@click.option(
    "--password", "ask", is_flag=True, help="Ask for a password (or read it from a pipe), so that the user can sign in to the page."
)
def users_add(name: str, role: str, departments: tuple[str, ...], ask: bool) -> None:
    """Add the user NAME."""
    password = _read_password() if ask else None
    with database().begin() as connection:
        access.add_user(connection, name, access.Role(role), departments=departments or None, password=password)
    out.print(f"Added {name}, {role}" + (f", {', '.join(departments)}" if departments else ""), markup=False)


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@users.command("password")
@click.argument("name")
def users_password(name: str) -> None:
    """Give NAME another password; its sessions end."""
    password = _read_password()
    with database().begin() as connection:
        access.set_password(connection, name, password)
    out.print(f"Changed the password of {name}", markup=False)


@users.command("list")
def users_list() -> None:
    """All users."""
    with database().connect() as connection:
        found = access.list_users(connection)
    table = _table("name", "role", "departments", "page", "added", "disabled")
    for user in found:
        departments = "" if user.departments is None else ", ".join(sorted(user.departments))
        page = "yes" if user.can_sign_in else "no"
        table.add_row(user.name, user.role.value, departments, page, _time(user.created_at), _time(user.disabled_at))
    out.print(table if found else "No users yet: cdp users add NAME --role admin --password")


@users.command("disable")
@click.argument("name")
def users_disable(name: str) -> None:
    """Shut NAME out: sessions end and keys are revoked at once."""
    with database().begin() as connection:
        access.disable_user(connection, name)
    out.print(f"Disabled {name}", markup=False)


@click.group()
def keys() -> None:
    """API keys; each acts as a user."""


@keys.command("create")
@click.argument("user")
@click.option("--label", default="", help="What the key is for.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="Days until it expires.")
def keys_create(user: str, label: str, days: int) -> None:
    """Make a key that acts as USER and print it; it is not shown again."""
    with database().begin() as connection:
        key = access.create_key(connection, user, label, days=days)
    err.print("This key is not shown again:")
    out.print(key, markup=False, soft_wrap=True)


@keys.command("list")
def keys_list() -> None:
    """All keys, by their first characters."""
    with database().connect() as connection:
        found = access.list_keys(connection)
    table = _table("key", "user", "label", "state", "created", "expires", "last used")
    for key in found:
        times = (_time(key.created_at), _time(key.expires_at), _time(key.last_used_at))
        table.add_row(key.prefix + "…", key.principal, key.label, key.state, *times)
    out.print(table if found else "No keys yet: cdp keys create USER --label TEXT")


@keys.command("revoke")
@click.argument("prefix")
def keys_revoke(prefix: str) -> None:
    """Revoke the key that begins with PREFIX."""
    with database().begin() as connection:
        access.revoke_key(connection, prefix.rstrip("…"))
    out.print(f"Revoked {prefix}", markup=False)


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--principal", help="Entries of this user only.")
@click.pass_context
def audit(ctx: click.Context, limit: int, principal: str | None) -> None:
    """What was done, by whom: the newest entries."""
    if ctx.invoked_subcommand is not None:
        return
    with database().connect() as connection:
        found = access.entries(connection, limit=limit, principal=principal)
    table = _table("id", "at", "who", "action", "object", "detail")
    for entry in found:
        detail = " ".join(f"{name}={value}" for name, value in entry.detail.items())
        table.add_row(str(entry.id), _time(entry.at), entry.principal, entry.action, entry.object or "", detail)
    out.print(table if found else "Nothing has been done yet.")


@audit.command("verify")
@click.option("--anchor", help="A hash printed by an earlier verification: it must be in the chain, or entries were cut off.")
def audit_verify(anchor: str | None) -> None:
    """Check that no entry was changed or removed."""
    with database().connect() as connection:
        result = access.verify(connection, anchor)
    out.print(f"{result.entries} entries; head {result.head}", soft_wrap=True)
    if result.broken_at is not None:
        raise access.AccessError(f"the chain breaks at entry {result.broken_at}: it, or one before it, was changed or removed")
    if result.anchor_found is False:
        raise access.AccessError("the anchor is not in the chain: entries after it, and it, were removed or rewritten")
    out.print("The chain is whole.")
