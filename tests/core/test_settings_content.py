"""What a technician reads when a settings file is wrong must say what to write instead."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from yolodeploy.core.errors import UsageError
from yolodeploy.core.settings_content import LARGEST, settings_of

TOML, JSON = PurePath("settings.toml"), PurePath("settings.json")
DOOR = '[[cameras]]\nname = "door"\nurl = "rtsp://10.0.0.5/1"\n'

WRONG = {
    "a name with a space": (DOOR.replace("door", "the door"), "lower-case letters, digits and"),
    "one bracket": (DOOR.replace("[[", "[").replace("]]", "]"), "write [[cameras]]"),
    "two brackets": ("[[samples]]", "write [samples]"),
    "a kind there is not": ('[[sinks]]\nkind = "kafk"\nname = "x"', "csv, jsonl, kafka, mqtt, w"),
    "no kind": ('[[sinks]]\nname = "x"', "csv, jsonl, kafka, mqtt, webhook"),
    "a field there is not": (DOOR + "rotaet = 90", "unknown field `rotaet`"),
    "nearly a field": (DOOR + "fpss = 3", "did you mean fps?"),
    "no web address": ('[shadow]\nurl = "x"', "begins with http:// or https://"),
    "a topic with a space": (
        '[[sinks]]\nkind = "kafka"\nname = "x"\nbrokers = "b:9092"\ntopic = "a b"',
        "letters, digits and . _ -",
    ),
    "the same camera twice": (DOOR + DOOR, "2 of camera door"),
    "a sink of no camera": (
        DOOR + '[[sinks]]\nkind = "csv"\nname = "x"\npath = "/x"\ncameras = ["press"]',
        "there is no camera press",
    ),
    "half a line": ("[[cam", "not valid"),
    "no text": ("\x00\xff", "not valid"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_with_what_mends_it(content: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(content.encode("latin-1"), TOML)
    assert caught.value.code == "camera.settings_invalid"
    assert said in caught.value.text()
    assert "\n" not in caught.value.text()
    assert "regex" not in caught.value.text()


CSV = '[[sinks]]\nkind = "csv"\nname = "{}"\npath = "{}"\n'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (CSV.format("a", "/x") + CSV.format("a", "/y"), "sink.twice"),
        (CSV.format("a", "/x") + CSV.format("b", "/x"), "sink.same_file"),
        (CSV.format("a", "x") + CSV.format("b", "./x"), "sink.same_file"),
    ],
)
def test_sinks_that_would_be_in_each_others_way_are_refused(content: str, code: str) -> None:
    """Two would write into one file, or take one spool."""
    with pytest.raises(UsageError) as caught:
        settings_of(content.encode(), TOML)
    assert caught.value.code == code


def test_what_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 4 MB"):
        settings_of(b"#" * (LARGEST + 1), TOML)
    with pytest.raises(UsageError, match="not valid"):
        settings_of(b'{"cameras":' * 100_000, JSON)


def test_toml_and_json_say_the_same() -> None:
    as_json = b'{"cameras": [{"name": "door", "url": "rtsp://10.0.0.5/1"}]}'
    assert settings_of(DOOR.encode(), TOML) == settings_of(as_json, JSON)
