"""The page of all commands, made from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from landmark_discovery.documentation.markdown import linked_pages

_HEAD = """\
# Command line

Every step of the workflow is a sub-command of `landmarks`; `landmarks COMMAND --help` says the same as this page.
Errors of the user are one line and the exit status 2; a training that was asked to stop ends with 75, and goes on when
it is called again.
"""


def command_line_page(app: typer.Typer) -> str:
    """Write the page: every command with its options, in the order of `landmarks --help`."""
    group = get_command(app)
    commands = group.commands if isinstance(group, TyperGroup) else {}
    shown = {name: command for name, command in commands.items() if isinstance(command, TyperCommand)}
    return _HEAD + "".join(f"\n{_section(name, command)}" for name, command in shown.items() if not command.hidden)


def _section(name: str, command: TyperCommand) -> str:
    context = typer.Context(command, info_name=f"landmarks {name}")
    usage = command.get_usage(context).removeprefix("Usage: ").replace("{", "").replace("}", "")
    blocks = [
        f"## `landmarks {name}` {{ #{name} }}",
        linked_pages(command.help or ""),
        f"    {' '.join(usage.split())}",
    ]
    return "\n\n".join([*blocks, *_options(command, context)]) + "\n"


def _options(command: TyperCommand, context: typer.Context) -> Iterator[str]:
    for option in command.get_params(context):
        record = option.get_help_record(context)
        # None of an option that is hidden.
        if record is not None and option.name != "help":
            yield f"`{record[0]}`\n:   {linked_pages(record[1]) or 'No description.'}"
