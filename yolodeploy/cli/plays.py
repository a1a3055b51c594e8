"""What every command that runs a playbook shares: its options, its narration, its result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from yolodeploy.cli.output import Column, dry_run_option, emit, output_option
from yolodeploy.cli.telling import said, tell

if TYPE_CHECKING:
    from yolodeploy.inventory.operations import OperationEvent
    from yolodeploy.ops.home import Home
    from yolodeploy.provision.play import Secrets


class PlayOptions(NamedTuple):
    """What a person may say of any play."""

    devices: tuple[str, ...]
    ask_password: bool
    ask_sudo_password: bool
    detach: bool
    dry_run: bool
    form: str


ask_password_option = click.option(
    "--ask-password", is_flag=True, help="Ask for the password to log in with."
)
_PASSWORDS = (
    ask_password_option,
    click.option("--ask-sudo-password", is_flag=True, help="Ask for the password of sudo."),
)
_OPTIONS = (
    click.option(
        "--device", "devices", multiple=True, metavar="NAME", help="Only this one; repeatable."
    ),
    *_PASSWORDS,
    click.option("--detach", is_flag=True, help="Start it and return."),
    dry_run_option,
    output_option,
)


def passwords_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which passwords are asked for; they are never arguments."""
    for option in reversed(_PASSWORDS):
        command = option(command)
    return command


def play_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that runs a playbook; it gets them as `options`."""

    @wraps(command)
    def taking(*args: Any, **given: Any) -> Any:
        options = PlayOptions(**{name: given.pop(name) for name in PlayOptions._fields})
        return command(*args, options=options, **given)

    for option in reversed(_OPTIONS):
        taking = option(taking)
    return taking


def perform(
    site: str,
    playbook: str,
    options: PlayOptions,
    *,
    variables: Mapping[str, Any] | None = None,
    devices: Sequence[str] = (),
    **further: Any,
) -> int:
    """Run a playbook on a site's hosts, show it, print how it ended by host; its exit code.

    `devices` outrank those that the person named; `further` is for `start_play`.

    Raises:
        Everything of `start_play`.
    """
    from yolodeploy.ops.home import home
    from yolodeploy.ops.plays import start_play

    where = home()
    operation = start_play(
        where,
        site,
        playbook,
        variables=variables,
        devices=devices or options.devices,
        check=options.dry_run,
        secrets=asked(options.ask_password, options.ask_sudo_password),
        **further,
    )
    if options.detach:
        tell("done.follow", operation=operation)
        emit([operation], [Column("operation", "operation", str)], options.form)
        return 0
    return shown(where, operation, options.form)


def asked(login: bool, sudo: bool) -> Secrets:
    """The passwords that a person types; where there is no terminal, each a line of stdin."""
    from yolodeploy.provision.play import Secrets

    return Secrets(
        _typed("ask.login_password") if login else "",
        _typed("ask.sudo_password") if sudo else "",
    )


def _typed(code: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt(said(code), hide_input=True, err=True)
    return typed


def shown(home: Home, operation: str, form: str = "") -> int:
    """Follow a play to its end; prints its hosts in a form, and returns its exit code.

    Ctrl-C ends the narration, not the play.
    """
    from yolodeploy.cli.follow import detached
    from yolodeploy.cli.play_tree import Tree
    from yolodeploy.ops.operations import batches, ending
    from yolodeploy.ops.settings import language

    tree = Tree(language())
    ends: list[OperationEvent] = []
    try:
        for events in batches(home, operation):
            tree.heard(events)
            ends += [event for event in events if event.code == "play.host"]
    except KeyboardInterrupt:
        tree.end()
        detached(operation)
    finally:
        tree.end()
    if form:
        emit(_fields(ends), COLUMNS, form)
    return ending(home, operation).exit_code or 0


def _fields(events: Iterable[OperationEvent]) -> list[Mapping[str, Any]]:
    return [event.fields for event in events]


COLUMNS = [
    Column("device", "device", lambda end: end["host"]),
    Column("state", "state", lambda end: end["state"]),
    Column("changed", "changed", lambda end: end["changed"]),
    Column("role", "", lambda end: end["role"]),
    Column("task", "task", lambda end: end["task"]),
    Column("error", "", lambda end: end["code"]),
    Column("reason", "reason", lambda end: end["reason"]),
]
