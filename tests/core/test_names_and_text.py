"""If these fail, a name breaks a folder or a cluster, or a device writes on the terminal."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from yolodeploy.core.digests import checked_digest, digest_of, short
from yolodeploy.core.errors import UsageError
from yolodeploy.core.messages import Message
from yolodeploy.core.names import checked_name, nearest_name
from yolodeploy.core.text import LONGEST, cells, counted, fit, one_line

# RFC 1123, section 2.1, as Kubernetes narrows it for labels: lower case, at most 63
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)

# half of all texts are nearly names, so that both answers are met
texts = st.text() | st.text("abz09-", max_size=70) | st.text("aB9-_. é\n", max_size=8)
HOSTILE = [
    "",
    "../../etc/passwd",
    "plant a",
    "厂区",
    "😀",
    "x" * 10_000,
    "-" * 10_000,
    "\x1b[31mred\x1b[0m",
    "a\nb",
    "a\x00b",
    "a\n",
    "\u202egnp.exe",
    "a.b",
    "A",
    "-a",
    "a-",
    "\udcff",
    "ａ",
    "१",
]


@given(texts)
def test_exactly_the_labels_of_rfc_1123_are_names(text: str) -> None:
    is_label = len(text) <= 63 and LABEL.fullmatch(text) is not None
    if is_label:
        assert checked_name("site", text) == text
        assert nearest_name(text) == text
        return
    with pytest.raises(UsageError) as raised:
        checked_name("site", text)
    assert raised.value.code == "name.invalid"
    assert checked_name("site", raised.value.fields["suggestion"])


@given(texts)
def test_the_nearest_name_is_always_a_name(text: str) -> None:
    assert checked_name("site", nearest_name(text))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_names_are_refused_with_one_that_would_do(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        checked_name("site", text)
    assert nearest_name(text) in raised.value.remedy()
    assert len(raised.value.text().splitlines()) == 1
    assert checked_name("site", nearest_name(text))


def test_a_suggestion_looks_like_what_was_meant() -> None:
    assert nearest_name("Plant A (Lisboa)") == "plant-a-lisboa"
    assert nearest_name("../../etc/passwd") == "etc-passwd"
    assert nearest_name("brake_disc.v2") == "brake-disc-v2"


def forbidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=[])), st.integers(3, 400))
def test_one_line_is_one_short_line_without_controls(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert not any(map(forbidden, line))
    assert len(line.splitlines()) <= 1
    assert len(line) <= longest
    assert one_line(line, longest) == line
    line.encode()  # lone surrogates would break every printer


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=LONGEST))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_what_turns_text_around_is_shown() -> None:
    """A right-to-left mark makes `exe.jpg` of `gpj.exe`; the person must see it."""
    for mark in "\u202a\u202e\u2066\u200f\u061c\u200b\ufeff":
        assert mark not in one_line(f"a{mark}b")
        assert f"\\x{ord(mark):02x}" in one_line(f"a{mark}b")


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    line = one_line("head" + "x" * 10_000 + "tail")
    assert line.startswith("head")
    assert line.endswith("tail")
    assert len(line) == LONGEST


printable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=40)


@given(printable, st.integers(1, 60))
def test_fit_gives_exactly_the_width_asked_for(text: str, width: int) -> None:
    fitted = fit(text, width)
    assert cells(fitted) == width
    if cells(text) <= width:
        assert fitted == text + " " * (width - cells(text))
    else:
        assert text.startswith(fitted.rstrip(" ").removesuffix("…"))


# what Rich measures is what the dashboard draws; both are asked about the same scripts
scripts = st.text("aZ0-中文한글カナｱ ไทยก็กิ्हिन्दीéאبд①…×→✗✓😀⭐🏭▶｜\u0301", max_size=20)


@given(scripts)
def test_cells_are_those_that_the_terminal_takes(text: str) -> None:
    assert cells(text) == cell_len(text)


def test_a_count_has_its_noun_in_every_text_that_asks_for_it() -> None:
    assert [counted(n, "box") for n in (0, 1, 2)] == ["0 boxes", "1 box", "2 boxes"]
    text = Message("{n:site}, {m:wave} of {n}", "{n} 个站点，{m} 波")
    assert text.rendered("text", "en", {"n": "1", "m": "2"}) == "1 site, 2 waves of 1"
    assert text.rendered("text", "en", {"n": "1"}) == "1 site, <m> waves of 1"
    assert text.rendered("text", "zh", {"n": "1", "m": "2"}) == "1 个站点，2 波"


def test_the_emoji_form_of_a_sign_is_wide() -> None:
    assert (cells("❤"), cells("❤\ufe0f"), cells("⭐\ufe0f")) == (1, 2, 2)


@given(st.binary())
def test_the_digest_of_bytes_is_a_digest(content: bytes) -> None:
    digest = digest_of(content)
    assert checked_digest(digest) == digest
    assert len(short(digest)) == 12
    assert digest.startswith(f"sha256:{short(digest)}")


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "a" * 63, "sha256:" + "a" * 65,
     "md5:" + "a" * 32, "a" * 64, "sha256:" + "a" * 64 + "\n", "sha256:../" + "a" * 61,
     "sha512:" + "a" * 64, "sha256:" + "１" * 64],
)  # fmt: skip
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        checked_digest(text)
    assert raised.value.code == "digest.invalid"
