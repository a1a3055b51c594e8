"""What a finding says stands in the role for plain Ansible, and in the catalogue in two languages.

If these fail, a technician reads one thing on the gateway and another on the screen.
"""

from __future__ import annotations

import string

from tests.doctor.documented import PAGE, written
from tests.doctor.recorded import ROLE, checks
from yolodeploy.core.messages import LANGUAGES, message
from yolodeploy.core.messages.check import MESSAGES


def test_the_role_and_the_catalogue_say_the_same() -> None:
    for row in checks():
        text = message(f"check.{row['check']}")
        assert (text.en, text.remedy) == (row["says"], row["remedy"]), row["check"]
    assert set(MESSAGES) == {row["check"] for row in checks()} | {"reach"}


def test_every_check_speaks_chinese() -> None:
    for name, text in MESSAGES.items():
        for told in (text.zh, text.remedy_zh):
            assert told, name
        assert not text.zh.isascii(), name


def test_a_text_is_filled_in_the_same_way_on_both_sides() -> None:
    """The gateway's own program knows only `{name}`."""
    for row in checks():
        for text in (row["says"], row["remedy"]):
            fields = list(string.Formatter().parse(text))
            assert all(not spec and not how for _, name, spec, how in fields if name), text
            assert all(name is None or name.isidentifier() for _, name, _, _ in fields), text


def test_the_page_lists_every_check() -> None:
    """`python -m tests.doctor.documented` writes it anew."""
    assert PAGE.read_text() == written(PAGE.read_text())


def test_every_subject_has_a_table_and_a_module() -> None:
    tables = {path.stem for path in (ROLE / "vars/main").glob("*.yml")}
    assert {"reach", "machine", "disk", "network", "gpu", "k3s", "cluster"} <= tables
    assert LANGUAGES == ("en", "zh")
