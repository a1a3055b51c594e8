"""Saying in a registry that one manifest is about another, so that tools find it by the other.

Where a registry lists referrers itself (OCI distribution specification 1.1) it has seen the
`subject` already. Where it does not (docker's 2.8), the list is an index that clients keep under
the tag `sha256-…`: the specification's own way out.
"""

from __future__ import annotations

from yolodeploy.oci import media_types
from yolodeploy.oci.attachments import referrers_ref
from yolodeploy.oci.manifests import Descriptor, Index, canonical
from yolodeploy.oci.registry.answers import refusal
from yolodeploy.oci.registry.repository import Repository, decoded

_OK = 200
_NO_API = (400, 404, 405, 501)


def refer(repository: Repository, subject: str, artifact: Descriptor) -> bool:
    """See to it that `artifact`, which is there, is found by `subject`; again is harmless.

    Returns whether the registry does so by itself. Two that add to the tag at once may lose one of
    both, as the specification warns: the loser's push, done again, adds it.

    Raises:
        Corrupt: `registry.json_invalid`, the tag means something that is no index.
        Refused, Unreachable, Failed: As `Repository.manifest_digest`.
    """
    if _is_listed(repository, subject):
        return True
    tag = referrers_ref(subject)
    before = _list(repository, tag)
    if artifact.digest not in {item.digest for item in before}:
        after = Index(media_type=media_types.INDEX, manifests=(*before, artifact))
        repository.put_manifest(tag, media_types.INDEX, canonical(after))
    return False


def _is_listed(repository: Repository, subject: str) -> bool:
    answer = repository.request(
        "GET", f"referrers/{subject}", headers={"Accept": media_types.INDEX}
    )
    if answer.status in _NO_API:
        return False
    if answer.status != _OK:
        raise refusal(answer, repository.registry, f"{repository.name}/referrers")
    return True


def _list(repository: Repository, tag: str) -> tuple[Descriptor, ...]:
    if not repository.manifest_digest(tag):
        return ()
    document = repository.read_manifest(tag)
    return decoded(document, Index, repository.registry).manifests or ()
