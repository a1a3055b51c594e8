"""supervisord for one site: starting it, asking it, ending it.

It restarts what dies (with a back-off that grows by a second each time), rotates logs, stops
politely and then for good, and outlives whoever started it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
import xmlrpc.client
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast

import msgspec

from yolodeploy.core.errors import Failed, Unreachable
from yolodeploy.core.text import one_line
from yolodeploy.sites.embedded.ending import end_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from yolodeploy.sites.embedded.folder import SiteFolder

AGENT = "agent"
START_LIMIT_S = 60.0  # one that dies is told at once; Python from an SD card takes its time
SHUTTING_DOWN = 6  # supervisor.xmlrpc.Faults.SHUTDOWN_STATE

CONFIG = """\
[supervisord]
nodaemon=true
silent=true
logfile={log}
logfile_maxbytes=1MB
logfile_backups=1
pidfile={pidfile}
childlogdir={root}/logs
umask=077

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={root}/programs/*.ini
"""

# startsecs: a server that dies within five seconds counts as not started, so that a crash loop
# meets the back-off; readiness is asked of the server, not of the supervisor
PROGRAM = """\
[program:{name}]
command={command}
environment={environment}
autorestart=true
startsecs=5
startretries=1000000
stopsignal=TERM
stopwaitsecs=15
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=2
"""


class Process(msgspec.Struct, frozen=True):
    """One program as the supervisor sees it; `start` is Unix seconds of its latest start."""

    name: str
    statename: str
    pid: int
    start: int

    @property
    def alive(self) -> bool:
        """Whether a process exists."""
        return self.serving or self.statename == "STOPPING"

    @property
    def serving(self) -> bool:
        """Whether a process exists that was not asked to stop."""
        return self.statename in {"STARTING", "RUNNING"}

    @property
    def stopped(self) -> bool:
        """Whether none exists and none will be started again."""
        return self.statename in {"STOPPED", "EXITED", "FATAL"}


class Supervisor:
    """The supervisor of one site, over its socket. Cheap to make; one thread, one object."""

    def __init__(self, folder: SiteFolder, site: str) -> None:
        self._folder = folder
        self._site = site

    def running(self) -> bool:
        """Whether it answers."""
        try:
            self._call("getState")
        except Unreachable:
            return False
        return True

    def start(self) -> None:
        """Start it, with the agent; it must not run already.

        Raises:
            Failed: `site.supervisor`, it did not come up.
        """
        self._write_config()
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "supervisor.supervisord",
                "-c",
                self._folder.supervisor_config,
            ],
            cwd=self._folder.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_LIMIT_S
        while not self.running():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed("site.supervisor", site=self._site, reason=self._last_words())
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop everything and wait until it is gone; harmless when nothing runs.

        Raises:
            Failed: `site.supervisor`, something does not end.
        """
        with suppress(Unreachable):
            self._call("shutdown")  # it is quicker to hear this than a signal
        if not end_all(self._folder):
            raise Failed("site.supervisor", site=self._site, reason="a process does not end")

    def processes(self) -> dict[str, Process]:
        """Every program by name."""
        found = msgspec.convert(self._call("getAllProcessInfo"), list[Process])
        return {process.name: process for process in found}

    def write_program(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Put a program among those that the supervisor keeps, from the next `reload` on."""
        pairs = (f'{key}="{_escaped(value)}"' for key, value in environment.items())
        text = PROGRAM.format(
            name=name,
            command=_escaped(shlex.join(command)),
            environment=",".join(pairs),
            log=_escaped(str(self._folder.log(name))),
        )
        path = self._folder.programs / f"{name}.ini"
        draft = path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(path)

    def reload(self) -> None:
        """Add the programs whose files are new, drop those whose files are gone."""
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._ignoring("stopProcessGroup", name)
            self._ignoring("removeProcessGroup", name)
        for name in (*added, *changed):
            self._ignoring("addProcessGroup", name)

    def drop_program(self, name: str) -> None:
        """Forget a program that has stopped."""
        (self._folder.programs / f"{name}.ini").unlink(missing_ok=True)
        self._ignoring("reloadConfig")
        self._ignoring("removeProcessGroup", name)

    def stop_program(self, name: str) -> None:
        """Ask a program to stop; returns at once."""
        self._ignoring("stopProcess", name, False)

    def start_program(self, name: str) -> None:
        """Start a program that stopped; returns at once."""
        self._ignoring("startProcess", name, False)

    def _write_config(self) -> None:
        folder = self._folder
        text = CONFIG.format(
            root=_escaped(str(folder.root)),
            log=_escaped(str(folder.supervisor_log)),
            socket=_escaped(str(folder.place_for_socket())),
            pidfile=_escaped(str(folder.supervisor_pid)),
        )
        folder.supervisor_config.write_text(text)
        agent = [sys.executable, "-P", "-m", "yolodeploy.sites.embedded.agent", str(folder.root)]
        self.write_program(AGENT, agent, {})

    def _ignoring(self, method: str, *arguments: Any) -> None:
        # faults such as BAD_NAME or ALREADY_ADDED say that the wanted state is there already
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault:
            return

    def _call(self, method: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._folder.socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=cast("Any", transport))
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != SHUTTING_DOWN:
                raise
            raise Unreachable("site.stopped", site=self._site, reason="it is stopping") from fault
        except (OSError, HTTPException, xmlrpc.client.ProtocolError) as error:
            raise Unreachable("site.stopped", site=self._site, reason=error) from error
        finally:
            transport.close()

    def _last_words(self) -> str:
        return last_line(self._folder.supervisor_log) or "it ended at once"


def last_line(log: Path) -> str:
    """The last line of a log that is not empty, fit for a message; empty where there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(log.stat().st_size - 4096, 0))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((one_line(line) for line in reversed(lines) if line.strip()), "")


def _escaped(text: str) -> str:
    # supervisor expands %(name)s in every value
    return text.replace("%", "%%")


def supervisor_pid(folder: SiteFolder) -> int:
    """Which process the supervisor is that was started last; 0 where none ever was."""
    try:
        return int(folder.supervisor_pid.read_text())
    except (OSError, ValueError):
        return 0
