"""Signatures of images in the format of cosign's specification (simple signing), and judging them.

An image is signed by its digest, so one signature counts wherever the image is. It lies beside the
image, in the layout and in every registry, and is judged here, without cosign and without a
network: a gateway that is offline must be able to refuse.
"""

from __future__ import annotations

import base64
import binascii
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.attachments import signature_ref
from yolodeploy.oci.index import ref_of
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.locks import locked
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest, RootFs
from yolodeploy.oci.sources import open_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_TYPE = "cosign container image signature"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_LONGEST_KEY = 16 << 10  # bytes of a PEM; an RSA key of 16,384 bits has 2,800
_LONGEST_PAYLOAD = 64 << 10  # bytes; ours and cosign's have 250
_MOST_SIGNATURES = 100


class _Identity(msgspec.Struct, frozen=True):
    reference: str = msgspec.field(name="docker-reference")


class _Image(msgspec.Struct, frozen=True):
    digest: str = msgspec.field(name="docker-manifest-digest")


class _Critical(msgspec.Struct, frozen=True):
    identity: _Identity
    image: _Image
    type: str


class _Payload(msgspec.Struct, frozen=True):
    critical: _Critical
    optional: dict[str, object] | None = None


known(_Payload)


class PublicKey(NamedTuple):
    """A key that images are to be signed with: its PEM, and the digest of its DER that names it."""

    pem: str
    digest: str


def read_public_key(path: Path) -> PublicKey:
    """The public key in a PEM file.

    Raises:
        UsageError: `image.key_unreadable`.
        Refused: `image.needs_signing`.
    """
    try:
        with open_regular(path.expanduser()) as file:
            content = file.read(_LONGEST_KEY + 1)
    except OSError as error:
        reason: object = error.strerror or error
        raise UsageError("image.key_unreadable", path=path, reason=reason) from error
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise UsageError("image.key_unreadable", path=path, reason="no PEM") from error
    key = _loaded(text, path)
    return PublicKey(_encoded(key, "PEM").decode(), digest_of(_encoded(key, "DER")))


def payload(digest: str, reference: str = "") -> bytes:
    """What is signed: the image's digest, and what it is called where it will be pulled from."""
    critical = _Critical(_Identity(reference), _Image(digest), _TYPE)
    return msgspec.json.encode(_Payload(critical))


def add_signature(layout: Layout, digest: str, signed: bytes, signature: str) -> Descriptor:
    """Put a signature beside an image in the layout; those that are there stay.

    `signature` is in base64, over `signed`. The name `sha256-….sig` means all of them.

    Raises:
        Refused: `oci.busy`.
        Failed: `oci.*` of the storage.
    """
    with layout.in_use():
        layer = layout.add_blob(
            (signed,),
            media_types.SIMPLE_SIGNING,
            {_SIGNATURE: signature, our_image.LAYER_KIND: "signature"},
        )
        return keep_signatures(layout, digest, first=(layer,))


def keep_signatures(
    layout: Layout,
    digest: str,
    *,
    first: tuple[Descriptor, ...] = (),
    last: tuple[Descriptor, ...] = (),
) -> Descriptor:
    """Let the name of an image's signatures mean those that it meant, and these.

    A hundred at most, from the front: what others send (`last`) never drives out what is here.
    Their payloads are in the layout; hold `in_use` from there on.

    Raises:
        Refused: `oci.busy`.
        Failed: `oci.*` of the storage.
    """
    with locked(layout.path / ".signatures"):  # two that sign at once both count
        together = (*first, *_signatures(layout, digest), *last)
        before = {e.digest for e in layout.manifests() if ref_of(e) == signature_ref(digest)}
        unique = {(item.digest, item.annotations.get(_SIGNATURE)): item for item in together}
        layers = tuple(unique.values())[:_MOST_SIGNATURES]
        config = ImageConfig(
            architecture="", os="", rootfs=RootFs(diff_ids=tuple(item.digest for item in layers))
        )
        manifest = Manifest(
            media_type=media_types.MANIFEST,
            config=layout.add_json(config, media_types.CONFIG),
            layers=layers,
        )
        described = layout.add_json(manifest, media_types.MANIFEST)
        layout.set_ref(described, signature_ref(digest))
        layout.forget(lambda entry: entry.digest in before and not ref_of(entry))
    return described


def signatures_in(manifest: Manifest) -> tuple[Descriptor, ...]:
    """The signatures that a manifest of them holds, as far as they are of a sensible size."""
    return tuple(
        layer
        for layer in manifest.layers[:_MOST_SIGNATURES]
        if layer.media_type == media_types.SIMPLE_SIGNING and layer.size <= _LONGEST_PAYLOAD
    )


def check_signature(layout: Layout, digest: str, pem: str) -> None:
    """Whether the holder of a key has signed an image.

    Raises:
        Refused: `image.unsigned`, there is no signature; `image.signed_otherwise`, none is by this
            key and for this digest; `image.needs_signing`.
        UsageError: `image.key_unreadable`.
        NotFound, Corrupt: `oci.*`, the signatures cannot be read.
    """
    key = _loaded(pem, Path("-"))
    signatures = _signatures(layout, digest)
    if not signatures:
        raise Refused("image.unsigned", digest=digest)
    for layer in signatures:
        with layout.open_blob(layer) as reader:
            content = reader.readall() or b""
        if _is_for(content, digest) and _is_by(key, content, layer.annotations.get(_SIGNATURE, "")):
            return
    raise Refused("image.signed_otherwise", digest=digest, key=digest_of(_encoded(key, "DER")))


def _signatures(layout: Layout, digest: str) -> tuple[Descriptor, ...]:
    try:
        found = layout.find(signature_ref(digest))
    except NotFound:
        return ()
    return signatures_in(layout.read_manifest(found.digest))


def _is_for(content: bytes, digest: str) -> bool:
    """Whether a payload speaks of this image; who pulls by digest needs no name in it."""
    try:
        critical = msgspec.json.decode(content, type=_Payload).critical
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return (critical.type, critical.image.digest) == (_TYPE, digest)


def _is_by(key: PublicKeyTypes, content: bytes, signature: str) -> bool:
    """The key decides the scheme, never the signature: ECDSA, RSA PKCS #1 v1.5, Ed25519."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        plain = base64.b64decode(signature, validate=True)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(plain, content, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(plain, content, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(plain, content)
        else:
            return False
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def _loaded(pem: str, path: Path) -> PublicKeyTypes:
    if find_spec("cryptography") is None:
        raise Refused("image.needs_signing")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        reason = "no public key in PEM"
        raise UsageError("image.key_unreadable", path=path, reason=reason) from error


def _encoded(key: PublicKeyTypes, form: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoding = Encoding.PEM if form == "PEM" else Encoding.DER
    return key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
