"""docs/messages.md is what people configure and decode by: its examples must work."""

from __future__ import annotations

import re

import msgspec

from yolodeploy.core.publishing import MESSAGE_VERSION, DetectionMessage
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.serve.sinks.boxes_csv import COLUMNS

from ..running import CHECKOUT

TEXT = (CHECKOUT / "docs" / "messages.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_example_is_a_message_and_every_field_is_described() -> None:
    (example,) = blocks("json")
    raw = msgspec.json.decode(example)
    message = msgspec.convert(raw, DetectionMessage)
    assert message.version == MESSAGE_VERSION
    assert msgspec.json.decode(msgspec.json.encode(message)) == raw
    missing = {name for name in DetectionMessage.__struct_fields__ if f"`{name}`" not in TEXT}
    assert missing == set()


def test_the_settings_are_settings_one_of_each_kind() -> None:
    found = [
        msgspec.toml.decode(block, type=SiteSettings, strict=True).sinks for block in blocks("toml")
    ]
    kinds = [sink.__struct_config__.tag for sinks in found for sink in sinks]
    assert sorted(map(str, kinds)) == ["csv", "jsonl", "kafka", "mqtt", "webhook"]


def test_the_header_is_the_header() -> None:
    assert f"    {','.join(COLUMNS)}\n" in TEXT
