"""What the exporter says no with; whoever started it renders it from the catalogue."""

from __future__ import annotations


class Refused(Exception):
    """A code of the catalogue (`export.*`) and its fields."""

    def __init__(self, code: str, /, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = {name: " ".join(str(value).split()) for name, value in fields.items()}


def demand_memory(error: BaseException) -> None:
    """Raise MemoryError where an error says, in torch's words, that there was not enough."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        raise MemoryError from error
