"""An inventory that stays open for hours, while others restore, migrate or move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.inventory.connection import checked_version, missing, open_inventory

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home


class KeptOpen:
    """The inventory of a home, opened anew where another file lies in its place."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._inventory: Inventory | None = None
        self._inode = 0

    def get(self) -> Inventory:
        """The one that is there now.

        Raises:
            NotFound: `inventory.missing`; asking must not make one.
            Refused: `inventory.newer`, a later version of yolodeploy has migrated it meanwhile.
            YolodeployError: `inventory.*`.
        """
        path = self._home.inventory
        try:
            inode = path.stat().st_ino
        except OSError as error:
            self.close()
            raise missing(path) from error
        if self._inventory is None or inode != self._inode:
            self.close()
            self._inventory = open_inventory(path)
            self._inode = inode
        else:
            checked_version(self._inventory.connection, path)
        return self._inventory

    def close(self) -> None:
        """Close it; again is harmless."""
        if self._inventory is not None:
            self._inventory.close()
            self._inventory = None
