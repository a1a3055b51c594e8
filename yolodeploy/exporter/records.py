"""What stands in for the classes of a checkpoint: a name and what was written into it."""

from __future__ import annotations

from typing import Any


class Record:
    """One object of the checkpoint. `full_name` is its class's, `state` what it was given."""

    full_name = ""
    state: Any = None

    def __new__(cls, *_arguments: object) -> Record:
        """Whatever the class itself would be made from."""
        return object.__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        """The same for what is called and not made."""

    def __setstate__(self, state: Any) -> None:
        self.state = state

    @property
    def class_name(self) -> str:
        """Without its module."""
        return self.full_name.rpartition(".")[2]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute of the object."""
        return self.state.get(name, default) if isinstance(self.state, dict) else default


def record_class(full: str) -> type[Record]:
    """A class of its own for a name: the loader tells them apart."""
    return type("Record", (Record,), {"full_name": full})
