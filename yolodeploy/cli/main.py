"""The entry point: the table of commands, and the one place that turns errors into exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from yolodeploy.cli.lazy import Lazy, LazyGroup, loaded

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})
CLI = "yolodeploy.cli"
DASHBOARD = "yolodeploy.tui.app:run"

COMMANDS = {
    "quickstart": Lazy(f"{CLI}.quickstart:quickstart", "Everything below once, on this machine."),
    "device": Lazy(
        f"{CLI}.device:device",
        "Gateways: add, import, list, show, edit, find, replace, hold, unhold, remove.",
    ),
    "site": Lazy(
        f"{CLI}.site:site",
        "Sites: create, adopt, lock, fetch, proxy, provision, upgrade, backup, restore, renew, "
        "account, reset, list, show, edit, window, tunnel, shell, hold, unhold, "
        "start, stop, remove.",
    ),
    "camera": Lazy(
        f"{CLI}.camera:camera",
        "Cameras of sites: add, list, show, edit, remove, test, history, undo.",
    ),
    "gpu": Lazy(f"{CLI}.gpu:gpu", "GPUs of k3s sites: show, share."),
    "model": Lazy(f"{CLI}.model:model", "Trained models: add, list, show, compare."),
    "image": Lazy(
        f"{CLI}.image:image",
        "Layered images: build, build-base, lock, index, push, pull, send, sbom, sign, verify, "
        "list, show, remove, prune.",
    ),
    "bundle": Lazy(
        f"{CLI}.bundle:bundle", "One file for an offline site: create, verify, apply, show."
    ),
    "app": Lazy(f"{CLI}.app:app", "Apps: create, list, show, scale, expose, place, limit."),
    "release": Lazy(f"{CLI}.release:release", "Releases: create, list, show, diff."),
    "rollout": Lazy(
        f"{CLI}.rollout:rollout",
        "Rollouts: plan, start, list, status, watch, pause, resume, approve, abort, undo.",
    ),
    "status": Lazy(f"{CLI}.status:status", "How every device is."),
    "latency": Lazy(f"{CLI}.latency:latency", "Where the time goes, stage by stage."),
    "metrics": Lazy(f"{CLI}.metrics:metrics", "The fleet as metrics for Prometheus."),
    "events": Lazy(f"{CLI}.events:events", "What happened in the fleet."),
    "logs": Lazy(f"{CLI}.logs:logs", "The servers' logs."),
    "detect": Lazy(f"{CLI}.detect:detect", "Send pictures to a running app."),
    "doctor": Lazy(f"{CLI}.doctor:doctor", "What is wrong here, and what mends it."),
    "operations": Lazy(f"{CLI}.operations:operations", "Long actions: list, follow, cancel."),
    "serve": Lazy(f"{CLI}.serve:serve", "The inference server by hand."),
    "controller": Lazy(
        f"{CLI}.controller:controller",
        "Collect, drive and tell without a person: status, notify, unit.",
    ),
    "inventory": Lazy(
        f"{CLI}.inventory:inventory", "The inventory: backup, restore, check, export, prune."
    ),
    "config": Lazy(f"{CLI}.config:config", "Settings: show, set, validate, path."),
    "completion": Lazy(f"{CLI}.completion:completion", "Completion for bash, zsh or fish."),
}


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from yolodeploy import __version__

        click.echo(f"yolodeploy {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a command: the dashboard. Exit codes: 0 done, 1 failed, 2 usage, "
    "3 unreachable or waiting, 4 rolled back or inconclusive, 5 wants an approval, 6 given up, "
    "130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    callback=_version,
    expose_value=False,
    is_eager=True,
    help="Print the version.",
)
@click.pass_context
def yolodeploy(ctx: click.Context) -> int | None:
    """From a trained YOLO model to detections on every gateway."""
    if ctx.invoked_subcommand is not None:
        return None
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        click.echo(ctx.get_help())
        return None
    from yolodeploy.ops.home import home

    code: int = loaded(DASHBOARD)(home())
    return code


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. No error leaves this function."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        return _nobody_reads()
    except SystemExit as left:
        unwrapped = getattr(sys.stdout, "wrapped", None)
        if unwrapped is None:
            return left.code if isinstance(left.code, int) else 1
        # click's own answer to a broken pipe: it wraps both streams and leaves with 1
        sys.stdout, sys.stderr = unwrapped, getattr(sys.stderr, "wrapped", sys.stderr)
        return _nobody_reads()


def _run(arguments: Sequence[str]) -> int:
    from yolodeploy.core.errors import YolodeployError

    try:
        code = _invoked(arguments)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _misused(error)
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        raise
    except YolodeployError as error:
        return _failed(error)
    except Exception as error:
        return _unexpected(error)
    return code


def _invoked(arguments: Sequence[str]) -> int:
    from yolodeploy.core.errors import UsageError

    for text in arguments:
        if "\0" in text:
            raise UsageError("ops.not_text", text=text)
    try:
        code = yolodeploy.main(list(arguments), prog_name="yolodeploy", standalone_mode=False)
    except UnicodeEncodeError as error:
        # what is printed gets escaped, so it is an argument; or a secret, and that is not shown
        for text in arguments:
            if not _is_text(text):
                raise UsageError("ops.not_text", text=text) from error
        raise
    return code if isinstance(code, int) else 0


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _failed(error: YolodeployError) -> int:
    from yolodeploy.cli.output import report

    report(error)
    return error.exit_code


def _misused(error: click.ClickException) -> int:
    from yolodeploy.cli.output import report_text
    from yolodeploy.cli.usage import usage_text
    from yolodeploy.ops.settings import language

    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "yolodeploy"
    tongue = language()
    report_text(usage_text(error, tongue), f"{command} --help", tongue)
    return 2


def _interrupted() -> int:
    from yolodeploy.cli.telling import tell

    tell("ops.interrupted")
    return 130


def _unprinted(error: OSError) -> int:
    """Only what is printed goes to a file whose name nobody here knows."""
    from yolodeploy.core.errors import Failed

    return _failed(Failed("ops.not_printed", reason=error.strerror))


def _unexpected(error: Exception) -> int:
    from yolodeploy.cli.output import report_text
    from yolodeploy.core.errors import unforeseen

    if os.environ.get("YOLODEPLOY_DEBUG"):
        raise error
    _nobody_reads()  # a full disk behind stdout is such an error
    if isinstance(error, OSError) and error.errno in _FULL and not error.filename:
        return _unprinted(error)
    text = f"this should not have happened ({unforeseen(error)})"
    report_text(text, "YOLODEPLOY_DEBUG=1 yolodeploy …, and report what it says", "en")
    return 1


def _nobody_reads() -> int:
    """The reader has seen enough; Python must not complain again when it closes the streams."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return 0


def run() -> None:
    """The console script."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed (`>&-`): what is said there is for nobody
            writes = name != "stdin"
            nowhere = os.open(os.devnull, os.O_WRONLY if writes else os.O_RDONLY)
            setattr(sys, name, os.fdopen(nowhere, "w" if writes else "r"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # an ASCII terminal shows the rest escaped
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
