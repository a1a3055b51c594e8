"""What is about an image: its signatures and its list of parts, in registries.

If these fail, a scanner or a gateway does not find them, or somebody else's signature is lost.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import contents, program
from tests.images.cosign_double import install
from tests.images.keys import PASSWORD, Pair, openssl_agrees, pair, signed_by_openssl
from tests.registry.conftest import Built
from tests.registry.double import Double, Handler
from tests.registry.images import image
from tests.registry.test_commands import rows
from yolodeploy.core.digests import digest_of
from yolodeploy.images.signatures import add_signature, check_signature, payload, read_public_key
from yolodeploy.oci import media_types
from yolodeploy.oci.attachments import referrers_ref, signature_ref
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A pair of keys, cosign's double, and the file with the password."""
    (tmp_path / "bin").mkdir()
    for name, value in install(tmp_path / "bin", tmp_path / "seen.json").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "password").write_text(PASSWORD)
    return pair(tmp_path)


def raw(place: Reference, name: str) -> dict[str, object]:
    """A manifest, by tag or digest, as another tool reads it."""
    joint = "@" if name.startswith("sha256:") else ":"
    found = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{place.name}{joint}{name}"],
        capture_output=True, check=True,
    )  # fmt: skip
    document: dict[str, object] = json.loads(found.stdout)
    return document


def blob(place: Reference, digest: str) -> bytes:
    import urllib3

    url = f"http://{place.registry}/v2/{place.repository}/blobs/{digest}"
    return urllib3.request("GET", url).data


def test_a_signature_goes_with_its_image_and_comes_with_it(
    run: Run,
    built: Built,
    place: Reference,
    keys: Pair,
    home: Home,
    tmp_path: Path,
) -> None:
    digest = built("disc")
    private, password = str(keys.private), str(tmp_path / "password")
    answer = run(
        "image", "sign", "disc", "--key", private, "--password-file", password, "--as", place.name
    )
    assert answer.code == 0, answer.err
    assert run("image", "verify", "disc", "--key", str(keys.public)).code == 0
    dry = rows(run("image", "push", "disc", str(place), "--dry-run", "-o", "json"))
    moved = rows(run("image", "push", "disc", str(place), "-o", "json"))
    kinds = ["server", "model", "config", "manifest", "signature", "signature", "signature"]
    assert [row["part"] for row in dry] == [row["part"] for row in moved] == kinds
    assert all(row["moved_bytes"] == 0 for row in rows(run("image", "push", "disc", str(place),
                                                           "-o", "json")))  # fmt: skip

    # as cosign's specification has it, OpenSSL being the judge
    manifest = raw(place, signature_ref(digest))
    [layer] = manifest["layers"]  # type: ignore[misc]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    signed = blob(place, layer["digest"])
    signature = layer["annotations"]["dev.cosignproject.cosign/signature"]
    assert openssl_agrees(keys, signed, signature, tmp_path)
    critical = json.loads(signed)["critical"]
    assert critical["image"]["docker-manifest-digest"] == digest
    assert critical["identity"]["docker-reference"] == place.name

    other = tmp_path / "second"
    assert program("image", "pull", str(place), "--name", "disc", home=other).code == 0
    check_signature(Layout(other / "images"), digest, read_public_key(keys.public).pem)


def test_the_signatures_of_others_stay(
    run: Run,
    built: Built,
    place: Reference,
    keys: Pair,
    home: Home,
    tmp_path: Path,
) -> None:
    """A colleague signed the image in the registry; ours is added, and his comes here."""
    digest = built("disc")
    assert run("image", "push", "disc", str(place)).code == 0
    colleague = pair(tmp_path, name="colleague")
    theirs = Layout(tmp_path / "theirs").create()
    signed = payload(digest)
    from tests.registry.test_real_registry import pushed

    pushed(
        theirs,
        add_signature(theirs, digest, signed, signed_by_openssl(colleague, signed, tmp_path)),
        place._replace(tag=signature_ref(digest)),
    )
    layout = Layout(home.layout)
    add_signature(layout, digest, signed, signed_by_openssl(keys, signed, tmp_path))
    assert run("image", "push", "disc", str(place)).code == 0
    assert len(raw(place, signature_ref(digest))["layers"]) == 2  # type: ignore[arg-type]
    for signer in (keys, colleague):
        check_signature(layout, digest, read_public_key(signer.public).pem)


def test_a_list_of_parts_is_found_by_its_image(
    run: Run,
    built: Built,
    place: Reference,
) -> None:
    """docker's registry lists no referrers: by the tag that the specification names."""
    digest = built("disc")
    printed = run("image", "sbom", "disc").out.encode()
    for _ in range(2):
        answer = run("image", "push", "disc", str(place), "--sbom", "-o", "json")
        assert [row["part"] for row in rows(answer)][-3:] == ["sbom"] * 3
    [listed] = raw(place, referrers_ref(digest))["manifests"]  # type: ignore[misc]
    assert listed["artifactType"] == media_types.CYCLONEDX
    manifest = raw(place, listed["digest"])
    assert manifest["subject"]["digest"] == digest  # type: ignore[index]
    [layer] = manifest["layers"]  # type: ignore[misc]
    assert layer["mediaType"] == media_types.CYCLONEDX
    assert blob(place, layer["digest"]) == printed


def test_a_registry_that_lists_referrers_needs_no_tag(
    run: Run,
    built: Built,
    lying: Double,
) -> None:
    digest = built("disc")
    asked = []

    def referrers(handler: Handler) -> bool:
        if "/referrers/" not in handler.path:
            return False
        asked.append(handler.path_only.rpartition("/")[2])
        handler.answer(200, b'{"schemaVersion":2,"manifests":[]}', Content_Type=media_types.INDEX)
        return True

    lying.meddle = referrers
    assert run("image", "push", "disc", f"{lying.host}/plant/disc:v1", "--sbom").code == 0
    assert asked == [digest]
    assert referrers_ref(digest) not in lying.manifests


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (403, b"", 1),
        (200, b"<html>", 1),
        (200, b'{"schemaVersion":2,"layers":7}', 1),
    ],
)
def test_a_registry_that_lies_of_signatures_is_named(
    status: int,
    content: bytes,
    code: int,
    run: Run,
    built: Built,
    lying: Double,
    home: Home,
) -> None:
    digest = built("disc")
    add_signature(Layout(home.layout), digest, payload(digest), "AAAA")

    def lie(handler: Handler) -> bool:
        if not handler.path_only.endswith(".sig") or handler.command == "PUT":
            return False
        handler.answer(status, content, Content_Type=media_types.MANIFEST)
        return True

    before = contents(home.layout / "blobs")
    lying.meddle = lie
    answer = run("image", "push", "disc", f"{lying.host}/plant/disc:v1")
    assert (answer.code, len(answer.err.strip().splitlines()[-2:])) == (code, 2)
    assert "Traceback" not in answer.err
    assert "v1" in lying.manifests, "the image itself is there"
    assert contents(home.layout / "blobs") == before


def test_a_payload_of_another_digest_or_size_is_not_taken(
    run: Run,
    built: Built,
    lying: Double,
    home: Home,
    tmp_path: Path,
) -> None:
    """What claims to be small must be, and what claims a digest must have it."""
    digest = built("disc")
    assert run("image", "push", "disc", f"{lying.host}/plant/disc:v1").code == 0
    wanted = digest_of(b"what was signed")
    for size, content in ((15, b"something else!"), (1 << 30, b"x")):
        layer = {
            "mediaType": media_types.SIMPLE_SIGNING, "digest": wanted, "size": size,
            "annotations": {"dev.cosignproject.cosign/signature": base64.b64encode(b"x").decode()},
        }  # fmt: skip
        config = {"mediaType": media_types.CONFIG, "digest": digest_of(b"{}"), "size": 2}
        document = {"schemaVersion": 2, "config": config, "layers": [layer]}
        lying.put(media_types.MANIFEST, json.dumps(document).encode(), signature_ref(digest))
        lying.blobs[wanted] = content
        code = run("image", "pull", f"{lying.host}/plant/disc:v1", "--name", "again").code
        assert code == (1 if size == 15 else 0)
        assert not Layout(home.layout).blobs.has(wanted)


def test_an_index_is_made_pushed_and_read_by_another_tool(
    run: Run,
    built: Built,
    place: Reference,
    home: Home,
) -> None:
    """One name for amd64 and arm64; both are pulled from it."""
    layout = Layout(home.layout).create()
    for name in ("amd64", "arm64"):
        image(layout, f"base-{name}", b"base of " + name.encode(), architecture=name)
        built("unused")
        answer = run("image", "build", "sample", "--base", f"base-{name}", "--name", f"d-{name}")
        assert answer.code == 0, answer.err
    answer = run("image", "index", "disc", "--of", "d-arm64", "--of", "d-amd64", "-o", "json")
    made = json.loads(answer.out)
    assert made["platform"] == "linux/amd64,linux/arm64"
    shown = rows(run("image", "show", "disc", "-o", "json"))
    assert {row["image"] for row in shown} == {"d-amd64", "d-arm64"}
    assert run("image", "push", "disc", str(place)).code == 0
    found = raw(place, "v1")
    platforms = {m["platform"]["architecture"] for m in found["manifests"]}  # type: ignore[attr-defined]
    assert platforms == {"amd64", "arm64"}
    for name in platforms:
        pulled = rows(
            run("image", "pull", str(place), "--platform", f"linux/{name}", "--name", f"p-{name}",
                "-o", "json")
        )  # fmt: skip
        assert pulled[0]["image"] in made["parts"]
