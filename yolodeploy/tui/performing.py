"""From a key or a palette entry to the action: ask, confirm, perform, tell."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import Action
from yolodeploy.ops.home import Home
from yolodeploy.tui.messages import Performed
from yolodeploy.tui.screens.ask import Ask
from yolodeploy.tui.screens.confirm import Confirm
from yolodeploy.tui.screens.form import AddCamera, AddDevice, Form
from yolodeploy.tui.screens.start import StartRollout
from yolodeploy.tui.views.spans import Span

if TYPE_CHECKING:
    from yolodeploy.tui.app import Dashboard


FORMS: dict[str, type[Ask | Form | StartRollout]] = {
    "device": AddDevice,
    "camera": AddCamera,
    "wish": StartRollout,
}
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
    if action.dangerous and not await app.push_screen_wait(Confirm(action, name, command, words)):
        return
    under_way = Span(f"  ◐ {words('under_way')}", "accent")
    app.tell((under_way, Span(f"  $ {command}", "dim")), inf)
    app.post_message(await asyncio.to_thread(_perform, app.home, action, name, asked, command))


def _perform(home: Home, action: Action, name: str, asked: str, command: str) -> Performed:
    result: Any = None
    try:
        result = action.perform(home, name, asked)
    except YolodeployError as error:
        return Performed(action, command, None, error)
    return Performed(action, command, result, None)
