"""Names of images in registries: `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`.

The host is never guessed: `ubuntu:24.04` names nothing here, `docker.io/library/ubuntu:24.04` does.
What a plant pulls must not depend on who owns a word on a public registry.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.errors import UsageError

DOCKER_HUB = "docker.io"

# the grammar of distribution/reference, but for upper-case hosts
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])"
_REGISTRY = re.compile(rf"{_HOST}(?::[0-9]{{1,5}})?", re.ASCII)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LONGEST = 255  # characters of a repository


class Reference(NamedTuple):
    """One image in a registry; `tag` and `digest` are empty where they are not named."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What the registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """The reference that a text is.

    Raises:
        UsageError: `registry.reference_invalid`; `registry.no_registry` where no host is named;
            `digest.invalid`.
    """
    named, at, digest = text.partition("@")
    registry, slash, rest = named.partition("/")
    if at and not slash:
        raise UsageError("registry.reference_invalid", reference=_without_login(text))
    if not slash or not _is_host(registry):
        suggestion = f"{DOCKER_HUB}/{named if slash else f'library/{named}'}"
        if not _rest_is_valid(named):
            raise UsageError("registry.reference_invalid", reference=_without_login(text))
        raise UsageError("registry.no_registry", reference=text, suggestion=suggestion)
    repository, colon, tag = rest.partition(":")
    if not (_is_registry(registry) and _rest_is_valid(rest)) or (colon and not tag):
        raise UsageError("registry.reference_invalid", reference=_without_login(text))
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"  # what the Hub itself calls its own images
    return Reference(registry, repository, tag, checked_digest(digest) if at else "")


def _is_host(word: str) -> bool:
    return word == "localhost" or "." in word or ":" in word


def _is_registry(text: str) -> bool:
    port = text.rpartition(":")[2] if not text.endswith("]") and ":" in text else "1"
    return bool(_REGISTRY.fullmatch(text)) and len(text) <= 255 and 0 < int(port) <= 65535


def _rest_is_valid(text: str) -> bool:
    repository, colon, tag = text.partition(":")
    right = len(repository) <= _LONGEST and _REPOSITORY.fullmatch(repository)
    return bool(right and (not colon or _TAG.fullmatch(tag)))


def _without_login(text: str) -> str:
    """The text without what might be a password: `user:secret@host/…`."""
    before, at, after = text.partition("@")
    return (
        f"…@{after}"
        if at and "/" in after and not after.startswith("sha256:")
        else before + at + after
    )
