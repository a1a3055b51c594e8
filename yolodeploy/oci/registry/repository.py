"""One repository of a registry: its manifests, and which blobs it has.

OCI distribution specification 1.1; docker's registry 2.8 and later answer as it says.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec

from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt
from yolodeploy.oci import media_types
from yolodeploy.oci.layout import LONGEST_JSON
from yolodeploy.oci.registry.addresses import origin
from yolodeploy.oci.registry.answers import Answer, looks_like_html, refusal
from yolodeploy.oci.registry.exchange import Body
from yolodeploy.oci.registry.retries import patiently
from yolodeploy.oci.registry.wire import LARGEST_ANSWER, Wire

# without docker's names a registry says that it has nothing of what docker pushed
ACCEPT = ", ".join(
    (
        media_types.MANIFEST,
        media_types.INDEX,
        *(name for name, ours in media_types.OCI_NAME.items()
          if ours in (media_types.MANIFEST, media_types.INDEX)),
    )
)  # fmt: skip
_OK, _CREATED = 200, 201

T = TypeVar("T")


class Document(NamedTuple):
    """A manifest or an index, as the registry has it."""

    digest: str
    media_type: str
    content: bytes


def decoded(document: Document, kind: type[T], registry: str) -> T:
    """A document as a value.

    Raises:
        Corrupt: `registry.json_invalid`.
    """
    try:
        return msgspec.json.decode(document.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt("registry.json_invalid", registry=registry, reason=error) from error


class Repository:
    """What `HOST/NAME` has, seen over a wire. `actions` is `pull` or `pull,push`."""

    def __init__(self, wire: Wire, name: str, actions: str = "pull") -> None:
        self.wire = wire
        self.name = name
        self.scope = f"repository:{name}:{actions}"

    @property
    def registry(self) -> str:
        """Host and port."""
        return self.wire.registry

    def manifest_digest(self, wanted: str) -> str:
        """The digest that a tag or a digest means there; empty where it means nothing.

        Raises:
            Refused: `registry.unauthorized`, `registry.forbidden`.
            Unreachable, Failed, Corrupt: As `Wire.ask` and `refusal`.
        """
        answer = self.request("HEAD", f"manifests/{wanted}", headers={"Accept": ACCEPT})
        if answer.status == 404:
            return ""
        if answer.status != _OK:
            raise refusal(answer, self.registry, self._called(wanted))
        told = answer.headers.get("docker-content-digest", "")
        return told or self.read_manifest(wanted).digest  # the header is not compulsory

    def read_manifest(self, wanted: str) -> Document:
        """A manifest or an index of at most 4 MB, its digest checked.

        Raises:
            NotFound: `registry.absent`.
            Corrupt: `registry.too_large`, `registry.html`; `registry.wrong_digest`, it is not what
                was asked for or what the registry says it is.
            Refused, Unreachable, Failed: As `manifest_digest`.
        """
        answer = self.request(
            "GET", f"manifests/{wanted}", headers={"Accept": ACCEPT}, largest=LONGEST_JSON
        )
        if answer.status != _OK:
            raise refusal(answer, self.registry, self._called(wanted))
        if answer.cut:
            raise Corrupt("registry.too_large", registry=self.registry, limit=LONGEST_JSON)
        if looks_like_html(answer):
            raise Corrupt("registry.html", registry=self.registry)
        digest = digest_of(answer.content)
        told = answer.headers.get("docker-content-digest", digest)
        if told != digest or (wanted.startswith("sha256:") and wanted != digest):
            what = self._called(wanted)
            raise Corrupt("registry.wrong_digest", registry=self.registry, what=what, found=digest)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Document(digest, media_type, answer.content)

    def put_manifest(self, wanted: str, media_type: str, content: bytes) -> None:
        """Store a manifest under a tag or its digest; again is harmless.

        Raises:
            Corrupt: `registry.wrong_digest`, the registry understood something else.
            Failed: `registry.refused`, above all because it lacks a blob.
            Refused, Unreachable: As `manifest_digest`.
        """
        headers = {"Content-Type": media_type}
        answer = self.request("PUT", f"manifests/{wanted}", headers=headers, body=Body.of(content))
        if answer.status not in (_OK, _CREATED):
            raise refusal(answer, self.registry, self._called(wanted))
        digest = digest_of(content)
        told = answer.headers.get("docker-content-digest", "") or self.manifest_digest(wanted)
        if told != digest:
            what, found = self._called(wanted), told or "-"
            raise Corrupt("registry.wrong_digest", registry=self.registry, what=what, found=found)

    def has_blob(self, digest: str, size: int) -> bool:
        """Whether a blob is there, of that many bytes where the registry says.

        Raises:
            Refused, Unreachable, Failed: As `manifest_digest`.
        """
        answer = self.request("HEAD", f"blobs/{digest}")
        elsewhere = origin(answer.url) != origin(self.wire.url(""))
        if answer.status == 404 or (elsewhere and answer.status != _OK):
            return False  # a store behind the registry need not allow HEAD; asking costs an upload
        if answer.status != _OK:
            raise refusal(answer, self.registry, self._called(digest))
        length = answer.headers.get("content-length", "")
        return not length.isdecimal() or int(length) == size

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> Answer:
        """One request below this repository, tried again where that may help.

        The last answer is returned whatever its status, unless a further try may help.
        """

        def once() -> Answer:
            answer = self.wire.ask(
                method, f"{self.name}/{path}", scope=self.scope, headers=headers, body=body,
                largest=largest,
            )  # fmt: skip
            problem = refusal(answer, self.registry, self._called(path))
            if answer.status >= 400 and problem.retryable:
                raise problem
            return answer

        return patiently(once)

    def _called(self, what: str) -> str:
        joint = "@" if what.startswith("sha256:") else ":" if "/" not in what else "/"
        return f"{self.name}{joint}{what}"
