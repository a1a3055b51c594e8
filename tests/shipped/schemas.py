"""The schemas of every Kubernetes from 1.30, which each object that ships must fit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import pytest


def minor(version: str) -> int:
    return int(version.split(".")[1])


def accepted(objects: Iterable[Any]) -> None:
    """Every version takes all of them."""
    validator = _validator()
    versions = {version for version in validator.utils.all_versions() if minor(version) >= 30}
    assert len(versions) >= 8, "1.30 to 1.37"
    found = list(objects)
    for version in sorted(versions, key=minor):
        for one in found:
            fits(one, version)


def fits(one: Any, version: str) -> None:
    """One version takes an object.

    The package reads megabytes of schemas for each object anew, which is most of what it does:
    those of the last versions are kept.
    """
    validator = _validator()
    kept = _kept()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(validator.utils, "schema_contents", kept)
        validator.validate(one, version, strict=True)


def _validator() -> Any:
    return pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is absent")


@cache
def _kept() -> Any:
    return lru_cache(maxsize=4)(_validator().utils.schema_contents)
