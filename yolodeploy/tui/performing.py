"""From a key or a palette entry to the action: ask, confirm, perform, tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import Action, Subject
from yolodeploy.ops.home import Home
from yolodeploy.tui.messages import Performed
from yolodeploy.tui.screens.add_device import AddDevice
from yolodeploy.tui.screens.ask import Ask
from yolodeploy.tui.screens.confirm import Confirm

if TYPE_CHECKING:
    from yolodeploy.tui.app import Dashboard


FORMS: dict[str, type[Ask | AddDevice]] = {"device": AddDevice}
"""What is asked in another form than one line."""


async def carry_out(app: Dashboard, action: Action, name: str) -> None:
    """Perform an action on a subject, in a thread; posts `Performed`, or nothing when cancelled."""
    words = app.words
    asked: str | None = ""
    if action.asks:
        form = FORMS.get(action.asks, Ask)
        asked = await app.push_screen_wait(form(action, name, words))
    if asked is None:
        return
    command = action.command_for(name, asked)
    if is_confirmed_first(action) and not await app.push_screen_wait(
        Confirm(action, name, command, words)
    ):
        return
    app.post_message(await asyncio.to_thread(_perform, app.home, action, name, asked, command))


def is_confirmed_first(action: Action) -> bool:
    """Dangerous actions, and what starts to change a whole fleet."""
    return action.dangerous or action.subject is Subject.RELEASE


def _perform(home: Home, action: Action, name: str, asked: str, command: str) -> Performed:
    result: Any = None
    try:
        result = action.perform(home, name, asked)
    except YolodeployError as error:
        return Performed(action, command, None, error)
    return Performed(action, command, result, None)
