"""The terminal that the dashboard is looked at: what is typed there, and that it is still there."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from threading import Thread

from textual.drivers.linux_driver import LinuxDriver


class Terminal(LinuxDriver):
    """Textual's, which stops listening for good at a byte that is no UTF-8.

    And where a terminal is closed, the kernel tells the first program of its session alone; any
    other, as one that was started inside a container, would read the end of it for ever.
    """

    def start_application_mode(self) -> None:
        """Take the terminal over, for as long as it is there."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        Thread(target=self._end_with_terminal, name="hangup", daemon=True).start()

    def run_input_thread(self) -> None:
        """Listen on behind such a byte: a terminal of another coding, noise on a line."""
        while not self.exit_event.is_set():
            with suppress(UnicodeDecodeError):
                super().run_input_thread()

    def _end_with_terminal(self) -> None:
        closing = select.poll()
        closing.register(self.fileno, 0)  # a hang-up is told without being asked for
        if any(event & select.POLLHUP for _, event in closing.poll()):
            os.kill(os.getpid(), signal.SIGHUP)
