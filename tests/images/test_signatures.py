"""If these fail, an image that nobody signed counts as signed, or a password leaks on the way."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import msgspec
import pytest
from cosign_double import SEEN, install
from keys import KINDS, PASSWORD, openssl_agrees, pair, signed_by_openssl
from onnx_samples import facts_of

from yolodeploy.core.errors import Failed, NotFound, Refused, UsageError, YolodeployError
from yolodeploy.images.build import build
from yolodeploy.images.cosign import sign
from yolodeploy.images.signatures import (
    add_signature,
    check_signature,
    keep_signatures,
    payload,
    read_public_key,
    signatures_in,
)
from yolodeploy.oci.attachments import attached_to, signature_ref
from yolodeploy.oci.layout import Layout

OTHER = f"sha256:{'7' * 64}"


@pytest.fixture
def cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The double, found as `cosign`; where it writes down how it was called."""
    (tmp_path / "bin").mkdir()
    for name, value in install(tmp_path / "bin", tmp_path / "seen.json").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "seen.json"


@pytest.fixture
def image(layout: Layout, model: Path) -> str:
    return build(layout, model, facts_of(model), name="disc").digest


def refusal(layout: Layout, image: str, pem: str) -> str:
    with pytest.raises(Refused) as raised:
        check_signature(layout, image, pem)
    assert raised.value.remedy().startswith(("yolodeploy image sign", "have it signed"))
    return raised.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_what_openssl_signed_is_signed(
    kind: str, layout: Layout, image: str, tmp_path: Path
) -> None:
    keys = pair(tmp_path, kind)
    pem = read_public_key(keys.public).pem
    assert refusal(layout, image, pem) == "image.unsigned"
    content = payload(image)
    add_signature(layout, image, content, signed_by_openssl(keys, content, tmp_path))
    check_signature(layout, image, pem)
    other = read_public_key(pair(tmp_path, kind, "other").public).pem
    assert refusal(layout, image, other) == "image.signed_otherwise"


def test_what_cosign_signed_openssl_takes_for_signed(
    cosign: Path, layout: Layout, image: str, tmp_path: Path
) -> None:
    keys = pair(tmp_path)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    content = payload(image, "registry.example/plant/disc")
    signature = sign(content, str(keys.private), tmp_path / "password")
    assert openssl_agrees(keys, content, signature, tmp_path)
    add_signature(layout, image, content, signature)
    check_signature(layout, image, read_public_key(keys.public).pem)
    said = json.loads(content)["critical"]
    assert said == {
        "identity": {"docker-reference": "registry.example/plant/disc"},
        "image": {"docker-manifest-digest": image},
        "type": "cosign container image signature",
    }


def test_no_secret_is_in_an_argument_or_in_the_environment(cosign: Path, tmp_path: Path) -> None:
    keys = pair(tmp_path)
    (tmp_path / "password").write_text(PASSWORD)
    sign(b"content", str(keys.private), tmp_path / "password")
    arguments, environment = json.loads(cosign.read_text())
    assert PASSWORD not in json.dumps([arguments, environment])
    assert "PRIVATE KEY" not in json.dumps([arguments, environment])
    assert environment[SEEN] == str(cosign)
    assert arguments[:4] == ["sign-blob", "--yes", "--key", str(keys.private)]
    left = [Path(word) for word in arguments if "yolodeploy-sign-" in word]
    assert len(left) == 3
    assert not any(path.exists() for path in left)


def test_what_goes_wrong_with_cosign_is_said_in_a_line(
    cosign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = pair(tmp_path)
    (tmp_path / "password").write_text("another one")

    def code(key: str, password: str) -> YolodeployError:
        with pytest.raises((Failed, NotFound, UsageError)) as raised:
            sign(b"content", key, tmp_path / password)
        assert "another one" not in f"{raised.value.text()} {raised.value.remedy()}"
        assert "\n" not in raised.value.text()
        return raised.value

    wrong = code(str(keys.private), "password")
    assert (wrong.code, "decryption failed" in wrong.text()) == ("image.cosign_failed", True)
    assert code(str(tmp_path / "absent"), "password").code == "image.key_absent"
    assert code(str(keys.private), "absent").code == "image.password_unreadable"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code(str(keys.private), "password").code == "image.no_cosign"


def test_a_signature_counts_for_its_image_only(layout: Layout, image: str, tmp_path: Path) -> None:
    """Somebody copies the signature of another image, or changes what was signed."""
    keys = pair(tmp_path)
    pem = read_public_key(keys.public).pem
    elsewhere = payload(OTHER)
    signature = signed_by_openssl(keys, elsewhere, tmp_path)
    add_signature(layout, image, elsewhere, signature)
    add_signature(layout, image, payload(image), signature)
    for content in (b"", b"{", b"[]", b'{"critical":{}}', payload(image).replace(b"cosign ", b"")):
        add_signature(layout, image, content, signed_by_openssl(keys, content, tmp_path))
    for spoiled in ("", "§", "AAAA", "=" * 9, "A" * 100_000):
        add_signature(layout, image, payload(image), spoiled)
    assert refusal(layout, image, pem) == "image.signed_otherwise"
    # beside all that the right one counts
    own = signed_by_openssl(keys, payload(image), tmp_path)
    add_signature(layout, image, payload(image), own)
    check_signature(layout, image, pem)


def test_several_sign_and_none_is_lost(layout: Layout, image: str, tmp_path: Path) -> None:
    signers = [pair(tmp_path, "ecdsa", name) for name in ("one", "two", "three")]
    for keys in (*signers, signers[0]):
        content = payload(image)
        add_signature(layout, image, content, signed_by_openssl(keys, content, tmp_path))
    for keys in signers:
        check_signature(layout, image, read_public_key(keys.public).pem)
    assert len(layout.manifests()) == 2, "the image and one set of signatures"
    assert layout.find(signature_ref(image))
    assert attached_to(signature_ref(image)) == image


def test_what_others_send_never_drives_out_what_is_here(
    layout: Layout, image: str, tmp_path: Path
) -> None:
    keys = pair(tmp_path)
    content = payload(image)
    add_signature(layout, image, content, signed_by_openssl(keys, content, tmp_path))
    own = layout.find(signature_ref(image))
    [layer] = signatures_in(layout.read_manifest(own.digest))
    flood = tuple(
        msgspec.structs.replace(layer, annotations={"dev.cosignproject.cosign/signature": str(n)})
        for n in range(500)
    )
    with layout.in_use():
        keep_signatures(layout, image, last=flood)
    check_signature(layout, image, read_public_key(keys.public).pem)
    later = pair(tmp_path, name="later")
    add_signature(layout, image, content, signed_by_openssl(later, content, tmp_path))
    check_signature(layout, image, read_public_key(later.public).pem)


def _sign(folder: str, begun: object, image: str, number: int) -> None:
    begun.wait()  # type: ignore[attr-defined]
    add_signature(Layout(Path(folder)), image, payload(image), f"AAA{number}")


def test_two_that_sign_at_once_both_count(layout: Layout, image: str) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Barrier(4)
    arguments = [(str(layout.path), begun, image, number) for number in range(4)]
    workers = [context.Process(target=_sign, args=given) for given in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    found = layout.find(signature_ref(image))
    assert len(signatures_in(layout.read_manifest(found.digest))) == 4


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"\xff\xfe", b"-----BEGIN PUBLIC KEY-----\nAAAA\n", b"x" * 100_000]
)
def test_what_is_no_public_key_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError) as raised:
        read_public_key(tmp_path / "key")
    assert raised.value.code == "image.key_unreadable"
    with pytest.raises(UsageError):
        read_public_key(tmp_path)
    with pytest.raises(UsageError):
        read_public_key(pair(tmp_path).private)
