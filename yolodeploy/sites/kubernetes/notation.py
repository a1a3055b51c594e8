"""Times and amounts as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def moment(text: str | None) -> float:
    """Unix seconds of an RFC 3339 time; 0 where there is none."""
    if not text:
        return 0.0
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def rfc3339(at: float) -> str:
    """A time as Kubernetes writes a MicroTime."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def quantity(value: str | int | None) -> float:
    """`500m` → 0.5, `2Gi` → 2147483648; 0 for what is none."""
    text = str(value or 0)
    number = text.rstrip("KMGTikmun")
    try:
        return float(number) * _UNITS[text[len(number) :]]
    except (ValueError, KeyError):
        return 0.0
