"""A server goes on following its settings, whatever was in them, and sees what was mended."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from yolodeploy.core.errors import UsageError
from yolodeploy.core.serving import ServeConfig
from yolodeploy.core.site_settings import JsonLinesSink
from yolodeploy.serve import site as site_module
from yolodeploy.serve.measure import Measurements
from yolodeploy.serve.service import Service
from yolodeploy.serve.shadow.address import address_of, shown_url
from yolodeploy.serve.sinks.places import place_of
from yolodeploy.serve.site import Site
from yolodeploy.serve.site_file import SiteFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

LIMIT_S = 120.0


async def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text("")
    return file


@pytest.fixture
async def site(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(site_module, "EVERY_S", 0.02)
    config = ServeConfig(model="", state_dir=str(tmp_path / "state"), settings=str(settings))
    site = Site(Service(config, Measurements(1), ()))
    await site.open()
    yield site
    await site.stop_cameras()
    await asyncio.to_thread(site.stop_sinks)


def to_file(path: Path) -> str:
    return f'[[sinks]]\nkind = "jsonl"\nname = "here"\npath = "{path}"\n'


async def test_a_mistake_of_ours_is_said_and_the_next_change_is_followed(
    site: Site,
    settings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried = 0

    def wrong(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise ZeroDivisionError("of this test")

    with monkeypatch.context() as broken:
        broken.setattr(Site, "_follow_sinks", wrong)
        settings.write_text(to_file(tmp_path / "out"))
        await until(lambda: tried > 2)
    assert site.told_error.startswith("serve.internal")
    # once, with where it was
    assert [bool(record.exc_info) for record in caplog.records] == [True]
    await until(lambda: site.told_error == "")
    assert [sink.name for sink in site.sinks()] == ["here"]


async def test_what_a_remedy_mends_is_seen_though_the_file_is_the_same(
    site: Site, settings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.write_text(to_file(tmp_path / "folder" / "out"))
    await until(lambda: site.told_error.startswith("sink.folder_missing"))
    await asyncio.sleep(0.1)  # several looks more
    assert len(caplog.records) == 1
    (tmp_path / "folder").mkdir()
    await until(lambda: site.told_error == "")
    assert [sink.name for sink in site.sinks()] == ["here"]


@pytest.mark.parametrize("name", ["site.toml", "site.json"])
def test_a_file_that_is_nested_too_deeply_is_invalid(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    depth = 100_000
    nested = "[" * depth + "]" * depth
    file.write_text(f'{{"samples": {nested}}}' if name.endswith("json") else f"samples = {nested}")
    with pytest.raises(UsageError) as raised:
        SiteFile(str(file)).read()
    assert raised.value.code == "camera.settings_invalid"


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + "/out"], ids=["file", "folder"])
def test_a_sink_whose_name_no_disk_takes_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        place_of(JsonLinesSink(name="here", path=f"{tmp_path}/{name}"))
    assert raised.value.code == "sink.not_a_file"


@pytest.mark.parametrize(
    "url",
    [
        "http://[x",
        "http://bob:Secret/12@10.0.0.5/",
        "http://bob:12/Secret@10.0.0.5/",
        "http://bob:Secret#12@10.0.0.5/",
        "http://bob:Secret@ex\u2100mple/",
    ],
)
def test_nothing_of_a_password_in_the_shadows_url_is_told(url: str) -> None:
    assert "Secret" not in shown_url(url)
    try:
        told = address_of(url).url
    except UsageError as error:
        assert error.code == "shadow.address"
        told = error.text()
    assert "Secret" not in told
