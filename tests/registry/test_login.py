"""If these fail, nobody gets into a registry with passwords, or a password gets elsewhere."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.certificates import Certificate, certificate
from tests.registry.double import Double, Handler, double
from tests.registry.images import image, random_image
from tests.registry.real import HTPASSWD, PASSWORD, USER, Registry, registry
from tests.registry.realm import IDENTITY, ISSUER, SERVICE, Realm, realm
from yolodeploy.core.errors import Failed, Refused, UsageError, YolodeployError
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.pull import Pull, Pulled
from yolodeploy.oci.registry.push import Push, Pushed
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.repository import Repository
from yolodeploy.oci.registry.wire import Wire

MB = 1 << 20


def log_in(docker_folder: Path, host: str, password: str = PASSWORD, **more: str) -> None:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    entry = more or {"auth": auth}
    (docker_folder / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def push(layout: Layout, place: Reference, access: Access, size: int = MB) -> Pushed:
    one = Push(layout, random_image(layout, "x", size).digest, place, access, chunk=MB // 4)
    try:
        return one.run(one.plan())
    finally:
        one.close()


def pull(layout: Layout, place: Reference, access: Access) -> Pulled:
    one = Pull(layout, place, access=access)
    try:
        return one.run(one.plan())
    finally:
        one.close()


# TLS and basic authentication ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(
    ours: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Registry, Certificate]]:
    """Debian's registry with a certificate of our own authority, and passwords."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "htpasswd").write_text(HTPASSWD)
    with registry(
        folder,
        http={"tls": {"certificate": str(ours.certificate), "key": str(ours.key)}},
        auth={"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    ) as found:
        yield found, ours


def test_a_password_and_an_authority_of_our_own(
    guarded: tuple[Registry, Certificate], layout: Layout, other: Layout, docker_folder: Path
) -> None:
    found, ours = guarded
    place, access = Reference(found.host, "a/b", "v1"), Access(ca=ours.authority)
    with pytest.raises(Refused) as raised:
        push(layout, place, access)
    assert raised.value.code == "registry.unauthorized"
    assert raised.value.remedy() == f"log in: docker login {found.host}"
    log_in(docker_folder, found.host, "wrong")
    with pytest.raises(Refused):
        push(layout, place, access)
    log_in(docker_folder, found.host)
    done = push(layout, place, access)
    assert pull(other, place, access).digest == done.digest


def test_an_authority_in_dockers_folder(
    guarded: tuple[Registry, Certificate], layout: Layout, docker_folder: Path, tmp_path: Path
) -> None:
    found, ours = guarded
    log_in(docker_folder, found.host)
    folder = tmp_path / "certs.d" / found.host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(ours.authority.read_bytes())
    push(layout, Reference(found.host, "a/c", "v1"), Access(certs=tmp_path / "certs.d"))


@pytest.fixture
def mutual(ours: Certificate, tmp_path: Path) -> Iterator[tuple[Registry, Certificate, Path]]:
    """Debian's registry asking for certificates; one that it takes; docker's folder, empty."""
    client = certificate(tmp_path / "client")
    tls = {
        "certificate": str(ours.certificate), "key": str(ours.key),
        "clientcas": [str(client.authority)],
    }  # fmt: skip
    with registry(tmp_path, http={"tls": tls}) as found:
        folder = tmp_path / "certs.d" / found.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(ours.authority.read_bytes())
        yield found, client, folder


def test_a_registry_that_asks_who_we_are(
    mutual: tuple[Registry, Certificate, Path], layout: Layout, other: Layout
) -> None:
    found, client, folder = mutual
    place, access = Reference(found.host, "a/b", "v1"), Access(certs=folder.parent)
    with pytest.raises(YolodeployError) as raised:
        push(layout, place, access)
    assert raised.value.code in ("registry.tls", "registry.cut")
    (folder / "me.cert").write_bytes(client.certificate.read_bytes())
    (folder / "me.key").write_bytes(client.key.read_bytes())
    assert push(layout, place, access).digest == pull(other, place, access).digest


@pytest.mark.parametrize("spoiled", ["no key", "another key", "no certificate", "a password"])
def test_a_certificate_of_ours_that_cannot_be_used(
    spoiled: str, mutual: tuple[Registry, Certificate, Path], layout: Layout, tmp_path: Path
) -> None:
    found, client, folder = mutual
    content = b"" if spoiled == "no certificate" else client.certificate.read_bytes()
    (folder / "me.cert").write_bytes(content)
    if spoiled == "a password":
        command = ["openssl", "pkey", "-in", client.key, "-aes256", "-passout", "pass:secret"]
        subprocess.run([*command, "-out", folder / "me.key"], check=True, capture_output=True)
    elif spoiled != "no key":
        key = certificate(tmp_path / "another").key if spoiled == "another key" else client.key
        (folder / "me.key").write_bytes(key.read_bytes())
    with pytest.raises(UsageError) as raised:
        push(layout, Reference(found.host, "a/b", "v1"), Access(certs=folder.parent))
    assert raised.value.code == "registry.client_certificate"
    assert "secret" not in raised.value.text()


def test_a_host_that_a_registry_leads_to_is_not_told_who_we_are(
    lying: Double, ours: Certificate, layout: Layout, other: Layout, tmp_path: Path
) -> None:
    client = certificate(tmp_path / "client")
    folder = tmp_path / "certs.d" / lying.host
    folder.mkdir(parents=True)
    for name, path in (("me.cert", client.certificate), ("me.key", client.key)):
        (folder / name).write_bytes(path.read_bytes())
    access = Access(ca=ours.authority, certs=folder.parent)
    seen: dict[str, set[bool]] = {"registry": set(), "store": set()}

    def note(who: str, handler: Handler) -> bool:
        seen[who].add(bool(handler.connection.getpeercert()))  # type: ignore[attr-defined]
        return False

    with double() as store:
        for one in (lying, store):
            one.behind(str(ours.certificate), str(ours.key), str(client.authority))

        def elsewhere(handler: Handler) -> bool:
            note("registry", handler)
            if handler.command != "GET" or "/blobs/" not in handler.path:
                return False
            handler.answer(307, Location=f"https://{store.host}{handler.path}")
            return True

        lying.meddle = elsewhere
        store.meddle = lambda handler: note("store", handler)
        store.blobs = lying.blobs
        place = Reference(lying.host, "a/b", "v1")
        assert push(layout, place, access).digest == pull(other, place, access).digest
    assert seen == {"registry": {True}, "store": {False}}


def test_an_unknown_authority_is_not_trusted(
    guarded: tuple[Registry, Certificate], layout: Layout, docker_folder: Path, tmp_path: Path
) -> None:
    found, _ = guarded
    log_in(docker_folder, found.host)
    place = Reference(found.host, "a/d", "v1")
    for access in (Access(), Access(ca=certificate(tmp_path / "other").authority)):
        with pytest.raises(Failed) as raised:
            push(layout, place, access)
        assert raised.value.code == "registry.tls"
        assert "--ca FILE" in raised.value.remedy()


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\x00"])
def test_an_authority_that_cannot_be_read(
    content: bytes | None, guarded: tuple[Registry, Certificate], layout: Layout, tmp_path: Path
) -> None:
    path = tmp_path / "ca.crt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        push(layout, Reference(guarded[0].host, "a/e", "v1"), Access(ca=path))
    assert raised.value.code == "registry.ca_unreadable"
    assert str(path) in raised.value.text()


def test_a_registry_without_tls_is_told(plain: Registry, ours: Certificate, layout: Layout) -> None:
    with pytest.raises(Failed) as raised:
        push(layout, Reference(plain.host, "a/b", "v1"), Access(ca=ours.authority))
    assert raised.value.code == "registry.plain"
    assert "--insecure" in raised.value.remedy()


# tokens -------------------------------------------------------------------------------------------


@pytest.fixture
def with_tokens(ours: Certificate, tmp_path: Path) -> Iterator[tuple[Registry, Realm]]:
    """Debian's registry that trusts the tokens of a realm."""
    folder = tmp_path / "with-tokens"
    folder.mkdir()
    with realm(ours) as gives:
        token = {
            "realm": gives.url, "service": SERVICE, "issuer": ISSUER,
            "rootcertbundle": str(ours.authority),
        }  # fmt: skip
        with registry(folder, auth={"token": token}) as found:
            yield found, gives


def test_a_token_for_each_scope_and_no_more(
    with_tokens: tuple[Registry, Realm], layout: Layout, other: Layout, docker_folder: Path
) -> None:
    found, gives = with_tokens
    place = Reference(found.host, "a/b", "v1")
    log_in(docker_folder, found.host)
    done = push(layout, place, Access())
    assert [asked.scopes for asked in gives.asked] == [("repository:a/b:pull,push",)]
    assert pull(other, place, Access()).digest == done.digest
    assert gives.asked[-1].scopes == ("repository:a/b:pull",)


def test_a_mount_asks_for_both_repositories(
    with_tokens: tuple[Registry, Realm], layout: Layout, docker_folder: Path
) -> None:
    found, gives = with_tokens
    log_in(docker_folder, found.host)
    made = image(layout, "x", bytes(MB))
    for name in ("a/b", "a/c"):
        one = Push(layout, made.digest, Reference(found.host, name, "v1"))
        done = one.run(one.plan())
        one.close()
    assert done.parts[0].fate.value == "mount"
    assert gives.asked[-1].scopes == ("repository:a/c:pull,push", "repository:a/b:pull")


def test_an_identity_token_is_a_refresh_token(
    with_tokens: tuple[Registry, Realm], layout: Layout, docker_folder: Path
) -> None:
    found, gives = with_tokens
    log_in(docker_folder, found.host, identitytoken=IDENTITY)
    push(layout, Reference(found.host, "a/b", "v1"), Access())
    assert [(asked.method, asked.authorization) for asked in gives.asked] == [("POST", "")]


def test_a_realm_that_refuses_is_told(
    with_tokens: tuple[Registry, Realm], layout: Layout, docker_folder: Path
) -> None:
    found, _ = with_tokens
    log_in(docker_folder, found.host, "wrong")
    with pytest.raises(Failed) as raised:
        push(layout, Reference(found.host, "a/b", "v1"), Access())
    assert raised.value.code == "registry.login_failed"
    assert f"docker login {found.host}" in raised.value.remedy()


def test_a_token_that_is_not_wanted_any_more_is_renewed(
    layout: Layout, lying: Double, docker_folder: Path, ours: Certificate
) -> None:
    """As when it ends in the middle of a large push: the chunk is sent again, nothing else."""
    log_in(docker_folder, lying.host)
    place = Reference(lying.host, "a/b", "v1")
    with realm(ours) as gives:
        chunks = 0

        def meddle(handler: Handler) -> bool:
            nonlocal chunks
            chunks += handler.command == "PATCH"
            known = handler.headers.get("Authorization", "").startswith("Bearer ")
            if known and not (handler.command == "PATCH" and chunks == 2):
                return False
            list(handler.body())
            told = f'Bearer realm="{gives.url}",service="{SERVICE}"'
            handler.answer(401, WWW_Authenticate=told)
            return True

        lying.meddle = meddle
        push(layout, place, Access())
        assert len(gives.asked) == 2
        assert len(lying.asked("PATCH")) == 4 + 1  # four chunks, one of them twice


# where secrets do not go --------------------------------------------------------------------------


def test_credentials_do_not_follow_to_another_host(
    layout: Layout, other: Layout, docker_folder: Path, lying: Double
) -> None:
    """Blobs are elsewhere, as in clouds; whoever holds them must not learn the password."""
    log_in(docker_folder, lying.host)
    challenge = 'Basic realm="test"'
    with double() as store:

        def meddle(handler: Handler) -> bool:
            if not handler.headers.get("Authorization"):
                handler.answer(401, WWW_Authenticate=challenge)
                return True
            if handler.command == "GET" and "/blobs/" in handler.path:
                handler.answer(307, Location=f"http://{store.host}{handler.path}?signed=s3cr3t")
                return True
            if handler.command == "POST":
                handler.answer(202, Location=f"http://{store.host}{handler.path}?signed=s3cr3t")
                store.uploads.setdefault("", bytearray())
                return True
            return False

        lying.meddle = meddle
        place = Reference(lying.host, "a/b", "v1")
        done = push_to_store(layout, place, store)
        assert pull(other, place, Access()).digest == done
        assert store.seen
        assert all("authorization" not in one.headers for one in store.seen)
        assert any("authorization" in one.headers for one in lying.seen)


def push_to_store(layout: Layout, place: Reference, store: Double) -> str:
    """Push an image whose uploads end in another server."""

    def keep(handler: Handler) -> bool:
        if handler.command == "PUT":
            store.uploads[""] = bytearray()
        return False

    store.meddle = keep
    made = image(layout, "x", b"some content")
    for layer in (*layout.read_manifest(made.digest).layers,
                  layout.read_manifest(made.digest).config):  # fmt: skip
        store.blobs[layer.digest] = layout.blobs.path(layer.digest).read_bytes()
    one = Push(layout, made.digest, place)
    done = one.run(one.plan())
    one.close()
    return done.digest


@pytest.mark.parametrize("what", ["redirect", "upload", "realm"])
def test_nothing_leaves_tls(
    what: str, layout: Layout, other: Layout, docker_folder: Path, ours: Certificate, lying: Double
) -> None:
    """Behind a proxy that ends TLS a registry often names itself in clear."""
    log_in(docker_folder, lying.host)
    with double() as far:
        lying.behind(str(ours.certificate), str(ours.key))
        elsewhere = f"http://{far.host}"

        def meddle(handler: Handler) -> bool:
            if what == "realm":
                handler.answer(401, WWW_Authenticate=f'Bearer realm="{elsewhere}/token"')
            elif what == "redirect" and "/manifests/" in handler.path:
                handler.answer(307, Location=f"{elsewhere}{handler.path}")
            elif what == "upload" and handler.command == "POST":
                handler.answer(202, Location=f"{elsewhere}{handler.path}x")
            else:
                return False
            return True

        lying.meddle = meddle
        access = Access(ca=ours.authority)
        with pytest.raises(Failed) as raised:
            push(layout, Reference(lying.host, "a/b", "v1"), access)
        assert raised.value.code in ("registry.redirect", "registry.realm")
        assert far.seen == []


def test_a_registry_that_names_itself_in_clear_is_still_spoken_to_with_tls(
    layout: Layout, other: Layout, ours: Certificate, lying: Double
) -> None:
    lying.behind(str(ours.certificate), str(ours.key))
    moved: set[str] = set()

    def meddle(handler: Handler) -> bool:
        if handler.command == "POST":
            lying.uploads["y"] = bytearray()
            handler.answer(202, Location=f"http://{lying.host}/v2/a/b/blobs/uploads/y?z=1%2F2")
            return True
        if handler.command == "GET" and "/blobs/sha" in handler.path and handler.path not in moved:
            moved.add(handler.path)
            handler.answer(307, Location=f"http://{lying.host}{handler.path}")
            return True
        return False

    lying.meddle = meddle
    place, access = Reference(lying.host, "a/b", "v1"), Access(ca=ours.authority)
    one = Push(layout, image(layout, "x", b"1").digest, place, access)
    plan = one.plan()
    for part in plan.parts:  # one after the other: there is one upload
        one.run(plan._replace(parts=(part,)))
    one.close()
    assert pull(other, place, access).digest == plan.digest
    assert len(moved) == 2
    assert any("z=1%2F2" in seen.path for seen in lying.asked("PUT"))


def test_nobody_is_followed_for_ever(other: Layout, lying: Double) -> None:
    def meddle(handler: Handler) -> bool:
        if "/manifests/" in handler.path:
            handler.answer(302, Location=f"{handler.path}x")
            return True
        return False

    lying.meddle = meddle
    with pytest.raises(Failed) as raised:
        pull(other, Reference(lying.host, "a/b", "v1"), Access())
    assert raised.value.code == "registry.redirect"
    assert len(lying.asked("GET", "/manifests/")) == 6


@pytest.mark.parametrize(
    "challenge",
    ["Negotiate", "", 'Bearer realm="file:///etc/passwd"', 'Bearer realm=""', "Bearer",
     'Bearer realm="http://192.0.2.1/token"', 'Bearer realm="https://[/"'],
)  # fmt: skip
def test_a_way_to_log_in_that_makes_no_sense(
    challenge: str, layout: Layout, docker_folder: Path, lying: Double
) -> None:
    log_in(docker_folder, lying.host)
    lying.meddle = lambda handler: (
        handler.answer(401, **({"WWW_Authenticate": challenge} if challenge else {})) or True
    )
    with pytest.raises((Failed, Refused)) as raised:
        push(layout, Reference(lying.host, "a/b", "v1"), Access())
    assert raised.value.code in (
        "registry.unknown_login", "registry.realm", "registry.unauthorized"
    )  # fmt: skip


def test_a_password_never_shows_in_an_error(
    layout: Layout, docker_folder: Path, lying: Double, impatient: None
) -> None:
    log_in(docker_folder, lying.host)
    wire = Wire(lying.host)
    asked = 0

    def meddle(handler: Handler) -> bool:
        nonlocal asked
        asked += 1
        if not handler.headers.get("Authorization"):
            handler.answer(401, WWW_Authenticate='Basic realm="test"')
        else:
            told = handler.headers["Authorization"]
            handler.answer(400, json.dumps({"errors": [{"message": told}]}).encode())
        return True

    lying.meddle = meddle
    with pytest.raises(Failed) as raised:
        Repository(wire, "a/b").read_manifest("v1")
    wire.close()
    assert asked >= 2
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert secret not in raised.value.text()
