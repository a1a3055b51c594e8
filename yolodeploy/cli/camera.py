"""`yolodeploy camera`: where pictures come from at a site, apart from releases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.output import (
    Column,
    aged,
    dry_run_option,
    emit,
    emit_one,
    output_option,
    report,
    yes_option,
)
from yolodeploy.cli.telling import confirm, said, tell
from yolodeploy.cli.words import FILE, Figure, Seconds, sites_option
from yolodeploy.core.camera_waits import FOLLOWED_S, LOOKED_AT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.kept_settings import KeptSettings
    from yolodeploy.ops.cameras import Given, Listed
    from yolodeploy.ops.site_settings import Changed, Waits

TRANSPORTS = ("tcp", "udp")
DECODERS = ("auto", "cpu", "cuda", "vaapi")
FIELDS = ("url", "fps", "transport", "decoder", "stall_s", "repeat", "track", "app")

site_option = click.option("--site", required=True, help="The site that it belongs to.")
wait_option = click.option(
    "--wait", "wait_s", type=Seconds(0, 3600), default=FOLLOWED_S, metavar="S",
    show_default=True, help="Longest wait for servers and pictures; 0: do not look.",
)  # fmt: skip


def _state(field: str) -> Any:
    return lambda row: getattr(row.state, field) if row.state else None


def _why(row: Listed) -> str:
    """Why a camera fails, in the person's language."""
    from yolodeploy.core.camera_state import why
    from yolodeploy.ops.settings import language

    told = why(row.state) if row.state else None
    return told.text(language()) if told else ""


def _noted(version: KeptSettings) -> str:
    """What a version is for, in the person's language."""
    from yolodeploy.ops.settings import language

    return version.told(language())


COLUMNS = [
    Column("camera", "camera", lambda row: row.camera.name),
    Column("site", "site", lambda row: row.site),
    Column("url", "url", lambda row: _shown(row.camera.url)),
    Column("phase", "phase", lambda row: row.state.phase if row.state else "unknown", words=True),
    Column("fps", "fps", _state("fps"), text=lambda fps: "-" if fps is None else f"{fps:.1f}"),
    Column("device", "device", lambda row: row.device),
    Column("app", "app", lambda row: row.camera.app or "", wide=True),
    Column("width", "", _state("width")),
    Column("height", "", _state("height")),
    Column("codec", "codec", _state("codec"), wide=True),
    Column("dropped", "dropped", _state("dropped"), wide=True),
    Column("corrupt", "corrupt", _state("corrupt"), wide=True),
    Column("restarts", "restarts", _state("restarts"), wide=True),
    Column("black", "", _state("black")),
    Column("frozen", "", _state("frozen")),
    Column("code", "", _state("code")),
    Column("reason", "reason", _state("reason"), told=_why),
]
CHANGED = [
    Column("site", "site", lambda row: row.site),
    Column("version", "version", lambda row: row.now.number or None),
    Column("before", "before", lambda row: row.before.number or None),
    Column("note", "note", lambda row: row.now.note, told=lambda row: _noted(row.now)),
    Column("followed", "servers", lambda row: row.followed),
    Column("replaced", "replaced", lambda row: ", ".join(row.replaced)),
]
TRIED = [
    Column("codec", "codec", lambda row: row.codec),
    Column("decoder", "decoder", lambda row: row.decoder),
    Column("width", "width", lambda row: row.width),
    Column("height", "height", lambda row: row.height),
    Column("stream_fps", "fps told", lambda row: row.stream_fps),
    Column("fps", "fps seen", lambda row: round(row.fps, 1)),
    Column("first_s", "first after s", lambda row: round(row.first_s, 2)),
    Column("corrupt", "corrupt", lambda row: row.corrupt),
    Column("brightness", "brightness", lambda row: row.brightness),
    Column("ended", "ended", lambda row: row.ended),
]


def _shown(url: str) -> str:
    from yolodeploy.core.camera_address import shown_url

    return shown_url(url)


def versions(now: float, newest: int) -> list[Column]:
    """What is shown of a version of settings; `now` in Unix seconds, `newest` the one in force."""
    return [
        Column("version", "version", lambda row: row.number or None),
        aged("at", "made", lambda row: row.at, now),
        Column("by", "by", lambda row: row.by),
        Column("note", "note", lambda row: row.note, told=_noted),
        Column("state", "state", lambda row: _ended(row, newest), words=True),
        Column("digest", "", lambda row: row.digest),
    ]


def _ended(version: KeptSettings, newest: int) -> str:
    """One that was not seen through, and is in force or is not any more."""
    if not version.unfinished:
        return ""
    return "unfinished" if version.number == newest else "undone"


def camera_options(*, new: bool) -> Callable[[Any], Any]:
    """What can be said of a camera."""
    options = [
        click.option(
            "--url", required=new, help="rtsp(s), http(s), /dev/videoN, a file, a folder."
        ),
        click.option("--fps", type=Figure(0, 1000), help="Most a second; 0: all."),
        click.option("--region", metavar="X,Y,W,H", help="Look at nothing else; pixels."),
        click.option("--transport", type=click.Choice(TRANSPORTS), help="Of RTSP."),
        click.option("--decoder", type=click.Choice(DECODERS), help="cpu by default."),
        click.option("--stall-s", type=Seconds(0.1, 86_400), help="Opened anew after."),
        click.option("--repeat/--once", default=None, help="A file or folder from the beginning."),
        click.option("--track/--no-track", default=None, help="Number objects."),
        click.option("--app", help="The app that looks; else whichever is first."),
        click.option("--credentials-file", type=FILE, help="One line user:password, mode 0600."),
        click.option("--ask-password", is_flag=True, help="Ask for user and password."),
        click.option("--ca", type=FILE, help="Whom to trust over TLS, as PEM."),
    ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group()
def camera() -> None:
    """Cameras of sites. A change is watched, and goes back by itself when nothing is seen."""


def _putting(command: str, words: str, *, new: bool) -> None:
    """The command that adds a camera, or the one that changes it."""

    @camera.command(command, help=words)
    @click.argument("name")
    @site_option
    @camera_options(new=new)
    @wait_option
    @dry_run_option
    @output_option
    def put(name: str, site: str, wait_s: float, dry_run: bool, form: str, **given: Any) -> None:
        from yolodeploy.ops import cameras
        from yolodeploy.ops.home import home

        done = cameras.put(
            home(), site, name, _given(given),
            new=new, wait_s=wait_s, dry_run=dry_run, waits=_waiting(site, wait_s),
        )  # fmt: skip
        _told(done, form, dry_run=dry_run)


_putting("add", "Add a camera, and see that pictures come.", new=True)
_putting("edit", "Change a camera, and see that pictures come.", new=False)


@camera.command()
@click.argument("name")
@site_option
@wait_option
@yes_option
@dry_run_option
@output_option
def remove(name: str, site: str, wait_s: float, yes: bool, dry_run: bool, form: str) -> None:
    """Take a camera out."""
    from yolodeploy.ops import cameras
    from yolodeploy.ops.home import home

    if not dry_run:
        confirm("ask.camera_remove", camera=name, site=site, yes=yes, action="camera remove")
    waits = _waiting(site, wait_s)
    done = cameras.remove(home(), site, name, wait_s=wait_s, dry_run=dry_run, waits=waits)
    _told(done, form, dry_run=dry_run)


@camera.command("list")
@sites_option
@output_option
def list_(sites: tuple[str, ...], form: str) -> None:
    """List cameras, and how they are."""
    from yolodeploy.ops.cameras import listed
    from yolodeploy.ops.home import home

    rows, errors = listed(home(), sites)
    for error in errors:
        report(error)
    emit(rows, COLUMNS, form)
    if errors:
        raise click.exceptions.Exit(3)


@camera.command()
@click.argument("name")
@site_option
@output_option
def show(name: str, site: str, form: str) -> None:
    """Show one camera, and how it is."""
    from yolodeploy.ops.cameras import one
    from yolodeploy.ops.home import home

    emit_one(one(home(), site, name), COLUMNS, form)


@camera.command()
@click.argument("url")
@click.option("--seconds", type=Seconds(0.5, 60), default=LOOKED_AT_S, show_default=True)
@click.option("--transport", type=click.Choice(TRANSPORTS), default="tcp", help="Of RTSP.")
@click.option("--decoder", type=click.Choice(DECODERS), default="cpu", help="cpu by default.")
@click.option("--credentials-file", type=FILE, help="One line user:password, mode 0600.")
@click.option("--ask-password", is_flag=True, help="Ask for user and password.")
@click.option("--ca", type=FILE, help="Whom to trust over TLS, as PEM.")
@output_option
def test(
    url: str,
    seconds: float,
    transport: Any,
    decoder: Any,
    credentials_file: Path | None,
    ask_password: bool,
    ca: Path | None,
    form: str,
) -> None:
    """Look at a camera from this machine, as a server would."""
    from yolodeploy.core.site_settings import Camera
    from yolodeploy.ops.cameras import look_at

    tried = Camera(
        name="test", url=url, transport=transport, decoder=decoder, ca_file=str(ca or "")
    )
    found = look_at(tried, _credentials(credentials_file, ask_password), seconds)
    tell("done.camera_ended" if found.ended else "done.camera_read")
    emit_one(found, TRIED, form)


@camera.command()
@click.argument("site")
@output_option
def history(site: str, form: str) -> None:
    """List the versions of a site's settings."""
    import time

    from yolodeploy.ops.home import home
    from yolodeploy.ops.site_settings import site_of

    found = list(site_of(home(), site).settings())
    emit(found, versions(time.time(), found[0].number if found else 0), form)


@camera.command()
@click.argument("site")
@click.option("--to", "number", type=click.IntRange(1), help="The version; else the one before.")
@wait_option
@dry_run_option
@output_option
def undo(site: str, number: int | None, wait_s: float, dry_run: bool, form: str) -> None:
    """Bring an earlier version of a site's settings back."""
    from yolodeploy.ops.home import home
    from yolodeploy.ops.site_settings import site_of
    from yolodeploy.ops.site_settings import undo as bring_back

    here, waits = home(), _waiting(site, wait_s)
    done = bring_back(
        here, site_of(here, site), number, wait_s=wait_s, dry_run=dry_run, waits=waits
    )
    _told(done, form, dry_run=dry_run)


def _given(options: dict[str, Any]) -> Given:
    from yolodeploy.ops.cameras import Given

    fields = {name: options[name] for name in FIELDS if options[name] is not None}
    if options["region"] is not None:
        fields["region"] = _region(options["region"])
    credentials = _credentials(options["credentials_file"], options["ask_password"])
    return Given(fields, credentials, options["ca"])


def _region(text: str) -> dict[str, int]:
    figures = text.split(",")
    if len(figures) != 4 or not all(figure.strip().isdecimal() for figure in figures):
        raise click.BadParameter(
            said("usage.is_not", given=repr(text), form="X,Y,W,H"), param_hint="--region"
        )
    return dict(zip(("x", "y", "width", "height"), map(int, figures), strict=True))


def _credentials(path: Path | None, ask: bool) -> bytes | None:
    from yolodeploy.ops.cameras import checked_credentials, credentials_of

    if path is not None:
        return credentials_of(path)
    if not ask:
        return None
    user = click.prompt(said("ask.user"), err=True)
    password = click.prompt(said("ask.password"), hide_input=True, err=True)
    return checked_credentials(f"{user}:{password}", "what was typed")


def _waiting(site: str, wait_s: float) -> Waits:
    """Says what is waited for, and for how long at most."""
    return lambda kept: tell(
        "done.settings_waits", site=site, version=kept.number, seconds=f"{wait_s:g}"
    )


def _told(done: Changed, form: str, *, dry_run: bool) -> None:
    if done.undone:
        tell("done.settings_undone", dry_run=dry_run, version=done.undone)
    site, version = done.site, done.now.number
    if done.now is done.before:
        tell("done.settings_same", site=site)
    elif dry_run:
        tell("done.settings_new", site=site, note=_noted(done.now))
    elif done.followed is None:
        tell("done.settings_unseen", site=site, version=version)
    elif done.followed == 0:
        tell("done.settings_unserved", site=site, version=version)
    else:
        tell("done.settings_followed", site=site, version=version, servers=done.followed)
    if done.replaced:
        tell("done.settings_replaced", dry_run=dry_run, apps=", ".join(done.replaced))
    emit_one(done, CHANGED, form)
