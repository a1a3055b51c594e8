"""The pure rules of sending: addresses, pieces, rates, and what a device may say.

If these fail, a word becomes an option of ssh, bytes move twice, or one device starves the others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.core.pace import Pace, parse_rate
from yolodeploy.images.containerd import Containerd, Look, names_of
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ssh.address import Address, is_address, parse_address
from yolodeploy.ssh.children import Answer
from yolodeploy.ssh.faults import fault
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.outgoing import PIECE, Outgoing, content, pieces
from yolodeploy.ssh.route import Route

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "user", "host", "port", "known_as"),
    [
        ("root@10.0.0.7", "root", "10.0.0.7", 0, "10.0.0.7"),
        ("ssh://gateway-7", "", "gateway-7", 0, "gateway-7"),
        ("ssh://me@Plant.Example:2222/", "me", "Plant.Example", 2222, "[plant.example]:2222"),
        ("root@[fe80::1%eth0]:22", "root", "fe80::1%eth0", 22, "fe80::1%eth0"),
    ],
)
def test_addresses(text: str, user: str, host: str, port: int, known_as: str) -> None:
    found = parse_address(text)
    assert found == Address(user, host, port)
    assert found.known_as == known_as
    assert parse_address(str(found)) == found


@given(st.text(max_size=60) | st.from_regex(r"[-@:\[\]a-z0-9=. ]{1,20}"))
def test_no_word_becomes_an_option_or_two_words(text: str) -> None:
    try:
        found = parse_address(text)
    except UsageError:
        return
    for word in (found.user, found.host):
        assert not word.startswith("-")
        assert word.isascii()
        assert not set(word) & set(" \t\n'\"\\$`;|&<>()*?#/=,")
    assert 0 <= found.port <= 65535


def test_a_name_is_no_address() -> None:
    assert not is_address("plant-a/gateway-1")
    assert is_address("root@gateway-1")


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [("8mbit", 1e6), ("500kbit/s", 62_500), ("1.5MB/s", 1.5e6), ("1 gbit", 1.25e8), ("8kbit", 1e3)],
)
def test_rates(text: str, bytes_per_s: float) -> None:
    assert parse_rate(text) == bytes_per_s


@pytest.mark.parametrize(
    "text", ["", "8", "8m", "fast", "-1mbit", "1kbit", "infbit", "nanbit", "1e9bit"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError):
        parse_rate(text)


@given(
    st.integers(1_000, 10**9),
    st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0, 10)), min_size=1, max_size=60),
)
def test_no_more_goes_than_the_rate_allows(rate: int, asked: list[tuple[int, float]]) -> None:
    """Whatever the pauses are: from the first booking on, the rate, and a burst of 0.1 s."""
    pace, now, booked = Pace(rate), 0.0, 0
    for count, pause_s in asked:
        now += pause_s
        now += pace.book(count, now)
        booked += count
        assert booked <= rate * (now + 0.1) * (1 + 1e-9) + 1e-3


@given(st.integers(2, 8), st.integers(10, 60))
def test_everybody_gets_the_same(senders: int, rounds: int) -> None:
    """Whoever books the next piece when the last one went is never more than a burst behind."""
    piece, rate, burst_s = 16 << 10, 1e6, 0.1
    pace = Pace(rate, burst_s)
    free_at = dict.fromkeys(range(senders), 0.0)
    got = dict.fromkeys(range(senders), 0)
    for _ in range(rounds * senders):
        one = min(free_at, key=lambda sender: (free_at[sender], sender))
        free_at[one] += pace.book(piece, free_at[one])
        got[one] += 1
    assert max(got.values()) - min(got.values()) <= 1 + rate * burst_s / piece


@given(st.integers(0, 5 * PIECE), st.integers(0, 6 * PIECE))
def test_what_is_there_is_not_sent_again_but_for_a_piece(size: int, there: int) -> None:
    file = Outgoing("x", Path("x"), size, there)
    sent = list(pieces([file]))
    assert sum(sent) == size - file.begins_at
    assert all(0 < piece <= PIECE for piece in sent)
    assert file.begins_at % PIECE == 0, "the device seeks by whole pieces"
    if there <= size:
        assert there - PIECE < file.begins_at <= there
    else:
        assert file.begins_at == 0, "it is not what it should be"


def test_a_file_that_became_shorter_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert b"".join(content([Outgoing("x", path, 5, 0)], 2)) == b"12345"
    with pytest.raises(Failed):
        list(content([Outgoing("x", path, 6, 0)], 2))
    with pytest.raises(Failed):
        list(content([Outgoing("x", tmp_path / "none", 6, 0)], 2))


def test_names_by_tag_and_by_digest() -> None:
    place = Reference("r.example", "a/b", "v1")
    assert names_of(place, DIGEST) == ("r.example/a/b:v1", f"r.example/a/b@{DIGEST}")


class Saying:
    """A device that says something."""

    device = "gateway"

    def __init__(self, text: str) -> None:
        self._text = text

    def run(self, program: str, *words: str, limit_s: float = 0) -> Answer:
        return Answer(0, self._text, "")


_LINE = st.text(max_size=40) | st.sampled_from(
    ["machine x86_64", "runtime k3s", "stage_disk 1 /", "store_disk x /",
     "store_disk 5 /", f"staged {DIGEST} 3", f"present {DIGEST}",
     f"staged {DIGEST} -1", f"staged {DIGEST} " + "9" * 5000, "staged", "ready", "present ../x"]
)  # fmt: skip


_SOUND = "machine x86_64\nruntime k3s\nstage_disk 1 /\nstore_disk 1 /\n"


@given(st.sampled_from(["", _SOUND]), st.lists(_LINE, max_size=12).map("\n".join))
def test_whatever_a_device_says_is_a_look_or_an_error(begin: str, more: str) -> None:
    text = begin + more
    image = Descriptor(media_type="", digest=DIGEST, size=1)
    try:
        look = Containerd(Saying(text)).look(image, [], ["a"])
    except Failed as error:
        assert error.code == "containerd.bad_answer"
        return
    assert isinstance(look, Look)
    assert look.present <= {DIGEST}
    assert set(look.staged) <= {DIGEST}
    assert all(count >= 0 for count in look.staged.values())
    assert look.ready <= {"a"}


def test_what_openssh_says_is_told_apart(tmp_path: Path) -> None:
    keys = HostKeys(tmp_path / "known_hosts")
    address = parse_address("root@gw:2222")
    for said, code in (
        ("ssh: connect to host gw port 22: Connection refused", "ssh.unreachable"),
        ("ssh: Could not resolve hostname gw: Name or service not known", "ssh.no_such_host"),
        ("root@gw: Permission denied (publickey).", "ssh.denied"),
        ("Host key verification failed.", "ssh.host_key_changed"),
        ("", "ssh.unreachable"),
        ("\x1b[31mmux_client_request_session: read from master failed", "ssh.unreachable"),
    ):
        error = fault("gw", Route(address), Answer(255, "", said), keys)
        assert error.code == code
        assert "\x1b" not in error.text()
    offending = (
        "Offending ED25519 key in /home/me/.ssh/known_hosts:3\n"
        "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"
    )
    remedy = fault("gw", Route(address), Answer(255, "", offending), keys).remedy()
    assert "ssh-keygen -f /home/me/.ssh/known_hosts -R '[gw]:2222'" in remedy
