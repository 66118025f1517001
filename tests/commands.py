"""Writes docs/commands.md, the reference of the command line, out of the commands themselves: `python -m tests.commands`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cdp.cli import COMMANDS, program

PATH = Path(__file__).parents[1] / "docs" / "commands.md"
_HEAD = """# Commands

Made by `python -m tests.commands` out of the commands themselves; `cdp COMMAND --help` says the same. Exit status: 0 done, 1 not done (the
message is on standard error), 2 wrong arguments.
"""


def reference() -> str:
    """The page."""
    context = click.Context(program, info_name="cdp")
    sections = []
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        sections.append(f"## cdp {name}\n\n{_text(command)}\n")
        sections += [_entry(path, leaf) for path, leaf in _leaves(command, f"cdp {name}")]
    return _HEAD + "\n" + "\n".join(sections)


def _leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from _leaves(child, f"{path} {name}")
    else:
        yield path, command


def _text(command: click.Command) -> str:
    return " ".join((command.help or "").split("\f")[0].split())


def _entry(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"```\n{path} {usage}\n```", ""]
    if path.count(" ") > 1:
        lines.insert(0, _text(command) + "\n")
    options = [record for record in (p.get_help_record(context) for p in command.params if isinstance(p, click.Option)) if record]
    lines += [f"- `{names}` {help_}".rstrip() for names, help_ in options if not names.startswith("-h,")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(reference(), "utf-8")
