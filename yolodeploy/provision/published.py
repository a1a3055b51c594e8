"""What makers publish of their files: lists of digests, and the index of an apt repository.

Both come from elsewhere: what has not the form that it should have is refused, not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from yolodeploy.core.errors import Corrupt, NotFound

_SUM = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9._+-]{1,200})", re.ASCII)
_FIELD = re.compile(r"^(Package|Version|Architecture|SHA256): *(\S+) *$", re.MULTILINE)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def listed_digests(text: str, names: Iterable[str], url: str) -> dict[str, str]:
    """The SHA-256 digests of some files in a list as `sha256sum` writes it.

    Raises:
        Corrupt: `lock.list_invalid`, a line is none, or a file has two digests.
        NotFound: `lock.not_listed`.
    """
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _SUM.fullmatch(line)
        if match is None or found.setdefault(match[2], match[1]) != match[1]:
            raise Corrupt("lock.list_invalid", url=url, line=line)
    return {name: _present(found, name, url) for name in names}


def package_digests(text: str, names: Iterable[str], version: str, url: str) -> dict[str, str]:
    """The digests of some packages of one version in an apt `Packages`, by the file's name.

    Raises:
        Corrupt: `lock.list_invalid`.
        NotFound: `lock.not_listed`.
    """
    found: dict[str, str] = {}
    for stanza in text.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        if len(fields) == 4 and fields["Version"] == version:
            name = f"{fields['Package']}_{version}_{fields['Architecture']}.deb"
            if not _DIGEST.fullmatch(fields["SHA256"]):
                raise Corrupt("lock.list_invalid", url=url, line=fields["SHA256"])
            found[name] = fields["SHA256"]
    return {name: _present(found, name, url) for name in names}


def _present(found: dict[str, str], name: str, url: str) -> str:
    if name not in found:
        raise NotFound("lock.not_listed", file=name, url=url)
    return found[name]
