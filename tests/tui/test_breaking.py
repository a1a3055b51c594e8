"""If this fails, a dashboard that breaks leaves a token on the screen, for whoever comes by."""

from __future__ import annotations

import pytest

from tests.tui.conftest import dashboard
from yolodeploy.ops.home import Home

SECRET = "s3cret"


def collect(_: Home) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    raise ValueError(f"Invalid header value {headers}")


@pytest.mark.parametrize(
    ("language", "word"), [("en", "the dashboard broke"), ("zh", "仪表板出错")]
)
async def test_what_broke_is_told_without_what_it_held(
    home: Home, language: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = dashboard(home, language, collect=collect)
    with pytest.raises(ValueError, match="Invalid header"):
        async with app.run_test(size=(160, 24)):
            await app._exception_event.wait()
    told = " ".join(capsys.readouterr().err.split())
    assert word in told
    assert "ValueError in yolodeploy.tui." in told
    assert SECRET not in told
