"""The connections of one exchange, to be broken off together. Loads no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

    Connections = WeakSet[HTTPConnection]
else:
    Connections = WeakSet


class Opened(Connections):
    """`over`: they were broken off, and what is connected from now on is broken off at once."""

    over = False
