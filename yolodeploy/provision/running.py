"""A play run with ansible-runner: the one file that imports it.

ansible-runner reads what ansible-playbook prints in a thread of its own, which only enqueues; here
the events become steps, a few times a second. What it writes goes to the play's private folder,
which is gone at the end.
"""

from __future__ import annotations

import shlex
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from yolodeploy.provision.deadlines import Deadlines
from yolodeploy.provision.journals import journal_of
from yolodeploy.provision.links import Before, Links, links
from yolodeploy.provision.play import Outcome, Play, Secrets, Step, Watcher
from yolodeploy.provision.remains import end_remains
from yolodeploy.provision.surroundings import environment, program
from yolodeploy.provision.telling import Telling
from yolodeploy.provision.written import write_inventory, write_variables
from yolodeploy.ssh.host_keys import HostKeys

TURN_S = 0.2
_EXPECT_S = 0.5  # how soon ansible-runner sees that its process has ended
_SUDO_QUESTION = r"BECOME password.*:\s*$"
_RUNNERS = (
    "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_RETRY_FILES_ENABLED", "AWX_ISOLATED_DATA_DIR",
    "RUNNER_OMIT_EVENTS", "RUNNER_ONLY_FAILED_EVENTS",
)  # fmt: skip
FORKS = 16

Event = Mapping[str, Any]


def run_play(
    play: Play,
    secrets: Secrets,
    watcher: Watcher,
    cancelled: Callable[[], bool],
    before: Before | None = None,
) -> Outcome:
    """Run it to its end on every host that can be reached; nothing of it is left.

    `before` is done on each host when it is connected.

    Raises:
        Refused: `play.no_ansible`.
        UsageError: `name.invalid`, `ssh.address_invalid`.
        Failed: `ssh.no_folder`, `ssh.no_host_keys`.
    """
    program()
    play.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with links(play, secrets) as found:
            return _Run(play, secrets, watcher, cancelled, found).run(before)
    finally:
        end_remains(play.folder)
        shutil.rmtree(play.folder, ignore_errors=True)


class _Run:
    """One run of a play."""

    def __init__(
        self,
        play: Play,
        secrets: Secrets,
        watcher: Watcher,
        cancelled: Callable[[], bool],
        found: Links,
    ) -> None:
        self._play = play
        self._secrets = secrets
        self._cancelled = cancelled
        self._links = found
        self._heard: SimpleQueue[Event | Step] = SimpleQueue()
        self._telling = Telling(play, watcher, HostKeys(play.host_keys))
        self._deadlines = Deadlines(play.playbook, time.monotonic())
        self._stopping = threading.Event()

    def run(self, before: Before | None) -> Outcome:
        """First the connections, then Ansible."""
        ready: list[str] = []
        status: list[int] = []
        self._while_it_runs(
            lambda: ready.extend(self._links.prepare(self._play.chosen, self._heard.put, before))
        )
        if ready and not self._stopping.is_set():
            runner = self._runner(tuple(ready))
            self._while_it_runs(lambda: status.append(int(runner.run()[1] or 0)))
        cancelled = self._stopping.is_set()
        return self._telling.outcome(status[0] if status else 1, cancelled=cancelled)

    def _while_it_runs(self, work: Callable[[], object]) -> None:
        """Do something in a thread, and tell of it meanwhile; what it raises is raised here."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            future = pool.submit(work)
            try:
                while not future.done():
                    self._turn()
                    if not self._stopping.is_set() and self._cancelled():
                        self._stop()
                    self._look_at_the_clock()
            except BaseException:  # nobody can be told any more: a full disk here
                self._stop()
                raise
        self._turn(wait_s=0)
        future.result()

    def _turn(self, wait_s: float = TURN_S) -> None:
        """What was enqueued meanwhile, as one batch."""
        end = time.monotonic() + wait_s
        heard = []
        with suppress(Empty):
            while True:
                left_s = end - time.monotonic()
                heard.append(self._heard.get(left_s > 0, max(left_s, 0.001)))
        for step in self._telling.tell(heard):
            self._deadlines.heard(step, time.monotonic())

    def _stop(self) -> None:
        self._stopping.set()
        self._telling.stopped()
        self._links.hang_up()
        end_remains(self._play.folder)

    def _look_at_the_clock(self) -> None:
        for step in self._deadlines.passed(time.monotonic()):
            threading.Thread(target=self._end_late, args=(step,), daemon=True).start()

    def _end_late(self, step: Step) -> None:
        """End a task on one host, by ending whoever talks to it; the others go on."""
        connection = self._links.connections.get(step.host)
        journal = journal_of(connection) if connection else []
        self._telling.late(step, self._deadlines.limit_s, journal)
        end_remains(self._play.folder, str(connection.socket) if connection else "")

    def _runner(self, ready: tuple[str, ...]) -> Any:
        from ansible_runner.config.runner import RunnerConfig
        from ansible_runner.runner import Runner

        play, folder = self._play, self._play.folder
        inventory, variables = folder / "inventory.yml", folder / "variables.yml"
        write_inventory(inventory, play, self._secrets, self._links.connections)
        write_variables(variables, play.variables)
        config = RunnerConfig(
            private_data_dir=str(folder),
            project_dir=str(play.project),
            playbook=play.playbook,
            inventory=str(inventory),
            limit=",".join(ready),
            forks=min(len(ready), FORKS),
            cmdline=shlex.join(_words(play, variables, self._secrets)),
            passwords={_SUDO_QUESTION: self._secrets.sudo} if self._secrets.sudo else {},
            fact_cache_type="",  # facts stay in memory
        )
        config.prepare()
        config.command[0] = str(program())
        ours = environment(play.project, folder, self._links.environment)
        config.env = {**ours, **_of_runner(config.env)}
        config.pexpect_timeout = _EXPECT_S
        config.suppress_output_file = config.suppress_ansible_output = True
        return Runner(config, event_handler=self._enqueue, cancel_callback=self._stopping.is_set)

    def _enqueue(self, event: Event) -> bool:
        self._heard.put(event)
        return False  # ansible-runner keeps no file of it


def _words(play: Play, variables: Path, secrets: Secrets) -> list[str]:
    words = ["--extra-vars", f"@{variables}"]
    if play.check:
        words.append("--check")
    if secrets.sudo:
        words.append("--ask-become-pass")
    return words


def _of_runner(env: Mapping[str, str]) -> dict[str, str]:
    """What ansible-runner needs in the environment, out of what it took over from ours."""
    from ansible_runner.utils import get_callback_dir

    kept = {name: env[name] for name in _RUNNERS if name in env}
    return {**kept, "ANSIBLE_CALLBACK_PLUGINS": str(get_callback_dir())}
