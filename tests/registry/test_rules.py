"""If these fail, an image goes to or comes from somewhere nobody named, or a secret is shown."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed, NotFound, UsageError
from yolodeploy.oci.manifests import Descriptor, Platform
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.addresses import followed, is_loopback, origin, redacted
from yolodeploy.oci.registry.answers import Answer, refusal, retry_after_s
from yolodeploy.oci.registry.challenge import parse_challenges
from yolodeploy.oci.registry.platforms import chosen, parse_platform, shown
from yolodeploy.oci.registry.reference import Reference, parse_reference

DIGEST = "sha256:" + "a" * 64

# references ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("registry.example/a", ("registry.example", "a", "", "")),
        ("registry.example:5000/a/b_c:v1.2-x", ("registry.example:5000", "a/b_c", "v1.2-x", "")),
        (f"localhost/a@{DIGEST}", ("localhost", "a", "", DIGEST)),
        (f"127.0.0.1:5000/a/b:t@{DIGEST}", ("127.0.0.1:5000", "a/b", "t", DIGEST)),
        ("[::1]:5000/a:t", ("[::1]:5000", "a", "t", "")),
        ("docker.io/library/debian:12", ("docker.io", "library/debian", "12", "")),
        ("docker.io/debian:12", ("docker.io", "library/debian", "12", "")),
    ],
)
def test_a_reference_has_a_host(text: str, parts: tuple[str, ...]) -> None:
    assert parse_reference(text) == Reference(*parts)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:12", "docker.io/library/debian:12"),
        ("ultralytics/ultralytics:latest", "docker.io/ultralytics/ultralytics:latest"),
    ],
)
def test_no_host_is_ever_guessed(text: str, suggestion: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_reference(text)
    assert raised.value.code == "registry.no_registry"
    assert suggestion in raised.value.remedy()


@pytest.mark.parametrize(
    "text",
    ["", "/", "a.b/", "a.b/C", "a.b//c", "a.b/../c", "https://a.b/c", "a.b:99999/c", "a.b:/c",
     "a.b/c:", "a.b/c:-", "a.b/c d", "a.b/c\n", "a.b/" + "c" * 256, "a.b/c:" + "t" * 129,
     "a_b.c/d", "A.b/c",
     "a.b/c@", "a.b/c@sha256:12", "a.b/c@md5:0", "a.b/c:t:u"],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


def test_a_password_in_a_reference_is_not_shown() -> None:
    with pytest.raises(UsageError) as raised:
        parse_reference("me:secret@registry.example/a:b")
    assert "secret" not in raised.value.text() + raised.value.remedy()


@given(st.text())
def test_any_text_is_a_reference_or_a_usage_error(text: str) -> None:
    try:
        found = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(found)) == found


# addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:5000", "127.0.0.1:80", "127.9.9.9", "[::1]:5", "a.localhost", "::1"],
)
def test_this_machine_may_be_spoken_to_in_clear(host: str) -> None:
    assert is_loopback(host)
    assert Access().schemes(host) == ("http", "https")


@pytest.mark.parametrize(
    "host",
    ["registry.example", "127.0.0.1.example", "10.0.0.1:5000", "localhost.example", "127.0.0.1@x"],
)
def test_any_other_machine_only_when_asked(host: str) -> None:
    assert not is_loopback(host)
    assert Access().schemes(host) == ("https",)
    assert Access(insecure=True).schemes(host) == ("http",)


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    shown_url = redacted("https://me:pass@h.example:5000/v2/a?X-Amz-Signature=s3cr3t#frag")
    assert shown_url == "https://h.example:5000/v2/a?…"
    assert redacted("https://[") == "…"


@given(st.text())
def test_any_location_is_an_address_of_the_web_or_refused(location: str) -> None:
    try:
        target = followed("https://h.example/v2/x", location)
    except Failed as error:
        assert error.code == "registry.bad_answer"
        return
    assert origin(target)[0] in ("http", "https")
    assert "@" not in target.partition("//")[2].partition("/")[0]


@pytest.mark.parametrize(
    "location",
    ["", "file:///etc/passwd", "http://", "https://u:p@h/x", "gopher://h", "http://h:x/"],
)
def test_a_location_elsewhere_than_on_the_web_is_refused(location: str) -> None:
    with pytest.raises(Failed):
        followed("https://h.example/v2/x", location)


# challenges ---------------------------------------------------------------------------------------


def test_challenges_as_registries_write_them() -> None:
    bearer = parse_challenges(
        'Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push"'
    )
    assert bearer[0].scheme == "bearer"
    assert bearer[0].parameters["scope"] == "repository:a/b:pull,push"
    both = parse_challenges('Basic realm="a \\"b\\"", BEARER realm=https://x , service = "y"')
    assert [one.scheme for one in both] == ["basic", "bearer"]
    assert both[0].parameters == {"realm": 'a "b"'}
    assert both[1].parameters == {"realm": "https://x", "service": "y"}
    assert [one.scheme for one in parse_challenges("Negotiate, Basic")] == ["negotiate", "basic"]


@given(st.text(max_size=300))
def test_any_header_is_understood_or_ignored(header: str) -> None:
    for one in parse_challenges(header):
        assert one.scheme == one.scheme.lower()


def test_a_long_header_costs_no_time() -> None:
    began = time.process_time()
    for hostile in ('Basic a="' + "\\" * 200_000, "a=" * 100_000, "," * 200_000, " " * 200_000):
        parse_challenges(hostile)
    assert time.process_time() - began < 20  # quadratic would take minutes


# answers ------------------------------------------------------------------------------------------


def answered(status: int, content: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, "https://h.example/", content)


@pytest.mark.parametrize(
    ("status", "content", "code", "retryable"),
    [
        (401, b"", "registry.unauthorized", False),
        (403, b'{"errors":[{"code":"DENIED","message":"not yours"}]}', "registry.forbidden", False),
        (404, b"", "registry.absent", False),
        (418, b"", "registry.refused", False),
        (408, b"", "registry.trouble", True),
        (429, b"", "registry.too_many", True),
        (500, b"<html>", "registry.trouble", True),
        (503, b"\xff", "registry.trouble", True),
        (500, b'{"errors":[{"code":"UNKNOWN","detail":{"Err":"no space left on device"}}]}',
         "registry.full", False),
        (507, b"", "registry.full", False),
    ],
)  # fmt: skip
def test_a_status_is_an_error_with_a_remedy(
    status: int, content: bytes, code: str, retryable: bool
) -> None:
    error = refusal(answered(status, content), "h.example", "a:b")
    assert (error.code, error.retryable) == (code, retryable)
    assert error.remedy()
    assert "<" not in error.text()


def test_a_registrys_own_words_are_passed_on_and_bounded() -> None:
    content = b'{"errors":[{"code":"DENIED","message":"' + b"no\x1b[31m" * 0 + b"n" * 9000 + b'"}]}'
    text = refusal(answered(403, content), "h.example", "a:b").text()
    assert "nnn" in text
    assert len(text) < 1000


def test_how_long_to_wait() -> None:
    assert retry_after_s(answered(429, retry_after="7")) == 7
    assert retry_after_s(answered(429, retry_after="99999999")) == 3600
    assert retry_after_s(answered(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")) == 0
    assert 0 < retry_after_s(answered(429, retry_after="Fri, 31 Dec 2100 23:59:59 GMT")) <= 3600
    for nonsense in ("", "-1", "soon", "1e9", "٣", "Wed, 99 Oct 99999 07:28:00 GMT"):
        assert retry_after_s(answered(429, retry_after=nonsense)) == 0


# platforms ----------------------------------------------------------------------------------------


def on(text: str) -> Descriptor:
    return Descriptor(media_type="m", digest=DIGEST, size=len(text), platform=parse_platform(text))


def test_the_image_of_a_platform() -> None:
    offered = tuple(map(on, ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8")))
    for wanted, expected in (
        ("linux/amd64", "linux/amd64"), ("linux/arm/v7", "linux/arm/v7"),
        ("linux/arm64", "linux/arm64/v8"), ("linux/arm", "linux/arm/v6"),
    ):  # fmt: skip
        found = chosen(offered, parse_platform(wanted), "r").platform
        assert found is not None
        assert shown(found) == expected
    nameless = Descriptor(media_type="m", digest=DIGEST, size=1)
    with pytest.raises(NotFound) as raised:
        chosen((*offered, nameless), Platform(os="linux", architecture="riscv64"), "r")
    assert "linux/arm64/v8" in raised.value.text()


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/", "a/b/c/d", "Linux/amd64", "linux/amd64\n", "../x"]
)
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platform(text)
