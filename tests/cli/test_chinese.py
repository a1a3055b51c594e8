"""Words that a reader of Chinese is misled by, where English has one word for two things."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.running import program
from yolodeploy.cli.output import headings
from yolodeploy.ops.home import Home


@pytest.fixture(autouse=True)
def chinese(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")


def test_a_picture_is_no_container_image() -> None:
    assert headings(["picture", "image"]) == ["图片", "镜像"]


def test_states_are_joined_as_in_chinese(run: Run, filled: Home) -> None:
    assert run("device", "hold", "d1", "--reason", "x").code == 0
    told = run("status").err
    assert told.count("，") == 1
    assert ", " not in told


def test_a_notice_that_nobody_takes_is_told_with_what_mends_it(filled: Home) -> None:
    answer = program(
        "controller", "notify", home=filled.root, YOLODEPLOY_NOTIFY_COMMAND="/bin/false"
    )
    assert answer.code == 1
    assert "已接收" in answer.out
    assert "已占用" not in answer.out
    assert "解决方法：yolodeploy config show" in answer.err
