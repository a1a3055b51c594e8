"""The entry point: the table of commands, and the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from yolodeploy.cli.lazy import Lazy, LazyGroup

CLI = "yolodeploy.cli"

COMMANDS = {
    "quickstart": Lazy(f"{CLI}.quickstart:quickstart", "Everything below once, on this machine."),
    "device": Lazy(f"{CLI}.device:device", "Gateways: list, show, edit, hold, unhold."),
    "site": Lazy(
        f"{CLI}.site:site", "Sites: create, adopt, list, show, hold, start, stop, remove."
    ),
    "model": Lazy(f"{CLI}.model:model", "Trained models: add, list, show."),
    "image": Lazy(f"{CLI}.image:image", "Layered images: build, list, show, prune."),
    "app": Lazy(f"{CLI}.app:app", "Apps: create, list, show."),
    "release": Lazy(f"{CLI}.release:release", "Releases: create, list, show, diff."),
    "rollout": Lazy(
        f"{CLI}.rollout:rollout", "Rollouts: plan, start, watch, pause, resume, abort, undo."
    ),
    "status": Lazy(f"{CLI}.status:status", "How every device is."),
    "latency": Lazy(f"{CLI}.latency:latency", "Where the time goes, stage by stage."),
    "events": Lazy(f"{CLI}.events:events", "What happened in the fleet."),
    "logs": Lazy(f"{CLI}.logs:logs", "The servers' logs."),
    "detect": Lazy(f"{CLI}.detect:detect", "Send pictures to a running app."),
    "doctor": Lazy(f"{CLI}.doctor:doctor", "What is wrong here, and what mends it."),
    "operations": Lazy(f"{CLI}.operations:operations", "Long actions: list, follow."),
    "serve": Lazy(f"{CLI}.serve:serve", "The inference server by hand."),
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
    "3 unreachable, 4 rolled back or inconclusive, 130 interrupted.",
)
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True)
@click.pass_context
def yolodeploy(ctx: click.Context) -> int | None:
    """From a trained YOLO model to detections on every gateway."""
    if ctx.invoked_subcommand is not None:
        return None
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        click.echo(ctx.get_help())
        return None
    from yolodeploy.ops.home import home
    from yolodeploy.tui.app import run as run_dashboard

    code: int = run_dashboard(home())
    return code


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. No error leaves this function."""
    from yolodeploy.core.errors import YolodeployError

    try:
        code = yolodeploy.main(list(arguments), prog_name="yolodeploy", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # the reader has seen enough; Python must not complain again when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except YolodeployError as error:
        from yolodeploy.cli.output import report

        report(error)
        return error.exit_code
    except Exception as error:
        if os.environ.get("YOLODEPLOY_DEBUG"):
            raise
        click.echo(
            f"yolodeploy: this should not have happened ({type(error).__name__}: {error})\n"
            "  mend it with: YOLODEPLOY_DEBUG=1 yolodeploy …, and report what it says",
            err=True,
        )
        return 1
    return code if isinstance(code, int) else 0


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))
