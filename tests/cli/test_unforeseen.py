"""If these fail, an error that nobody foresaw shows a secret to whoever sees the screen."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from yolodeploy.cli import status
from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.loops import Loop

SECRET = "s3cret"


def header(*_: object, **__: object) -> None:
    """As `http.client` says it."""
    raise ValueError(f"Invalid header value b'Bearer {SECRET}\\n'")


def letters(*_: object, **__: object) -> None:
    f"Bearer {SECRET}密".encode("latin-1")


@pytest.mark.parametrize("broken", [header, letters])
def test_a_command_says_what_broke_and_where_but_not_with_what(
    broken: object,
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status.status, "callback", broken)
    answer = run("status")
    assert answer.code == 1
    assert SECRET not in answer.err
    assert "Error in yolodeploy.cli." in answer.err
    assert "YOLODEPLOY_DEBUG=1" in answer.err


def test_a_file_that_the_system_names_is_told(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/etc/plant/kubeconfig")

    monkeypatch.setattr(status.status, "callback", closed)
    assert "Permission denied: '/etc/plant/kubeconfig'" in run("status").err


def test_nor_does_a_controller() -> None:
    broken: list[Exception] = []
    loop = Loop("collecting", header, lambda took_s: 3600.0, broken.append)
    loop.start()
    while loop.fault is None:
        loop.join(0.01)
    loop.leave()
    assert isinstance(loop.fault, YolodeployError)
    assert SECRET not in loop.fault.whole()
    assert "ValueError in yolodeploy.ops.loops:" in loop.fault.whole()
    assert len(broken) == 1
