"""If these fail, a setting that a person wrote is not the one in force."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.ops.actions import default_wish
from yolodeploy.ops.home import Home, home
from yolodeploy.ops.settings import SETTINGS, config_path, language, set_value, settings


@pytest.fixture(autouse=True)
def no_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(f"YOLODEPLOY_{name.upper()}", raising=False)


def write(text: str) -> None:
    config_path().write_text(text)


def test_environment_goes_before_file_and_file_before_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings()["concurrency"][1:] == (4, "default")
    write("concurrency = 7\n")
    assert settings()["concurrency"][1:] == (7, str(config_path()))
    monkeypatch.setenv("YOLODEPLOY_CONCURRENCY", "9")
    assert settings()["concurrency"][1:] == (9, "environment")
    assert settings()["guard_seconds"][1:] == (300.0, "default")
    assert default_wish().concurrency == 9


def test_what_is_not_ours_in_the_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLODEPLOY_CI_TOKEN", "x")
    assert set(settings()) == set(SETTINGS)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("concurency", "concurrency"), ("guard_second", "guard_seconds"), ("lang", "language"),
     ("refresh", "refresh_seconds"), ("GUARD_SECONDS", "guard_seconds")],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(wrong: str, right: str) -> None:
    write(f"{wrong} = 1\n")
    with pytest.raises(UsageError) as raised:
        settings()
    assert raised.value.code == "home.unknown_setting"
    assert f"did you mean {right}?" in raised.value.remedy()


@given(st.text())
def test_any_text_is_a_setting_or_a_usage_error(text: str) -> None:
    for name in SETTINGS:
        try:
            set_value(name, text, dry_run=True)
        except UsageError as error:
            assert error.code == "home.bad_setting"
            assert SETTINGS[name].expected in error.text()


def test_what_was_set_is_in_force_and_the_rest_stays() -> None:
    for name, text in {"concurrency": "3", "language": "zh", "guard_seconds": "1e3"}.items():
        set_value(name, text)
    found = {name: value.value for name, value in settings().items()}
    assert found == {
        "concurrency": 3,
        "language": "zh",
        "guard_seconds": 1000.0,
        "refresh_seconds": 2.0,
        "export_python": "",
        "registry": "",
        "registry_ca": "",
        "insecure_registries": "",
        "notify_webhook": "",
        "notify_token_file": "",
        "notify_ca": "",
        "notify_command": "",
        "notify_events": "all",
        "notify_minutes": 10,
        "notify_hours": 24,
        "collect_seconds": 15.0,
    }
    assert [path.name for path in config_path().parent.glob("config*")] == ["config.toml"]


def test_the_language_is_never_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language() == "en"
    monkeypatch.setenv("LANG", "zh_TW.UTF-8")
    assert language() == "zh"
    monkeypatch.setenv("LC_ALL", "C")
    assert language() == "en"
    write("language = 'zh'\n")
    assert language() == "zh"
    for wrong in ("language = \n", "colour = 'red'\n", "concurrency = 0\n"):
        write(wrong)
        for name in ("en", "zh"):
            monkeypatch.setenv("YOLODEPLOY_LANGUAGE", name)
            assert language() == name, wrong
    monkeypatch.delenv("YOLODEPLOY_LANGUAGE")
    write("not toml")
    assert language() == "en"


def test_the_home_folder_is_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("YOLODEPLOY_HOME", "~/a")
    assert home().root == tmp_path / "a"
    monkeypatch.setenv("YOLODEPLOY_HOME", "b")
    assert home().root == tmp_path / "b"
    assert home("c").root == tmp_path / "c"
    monkeypatch.delenv("YOLODEPLOY_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    assert home().root == tmp_path / "d" / "yolodeploy"
    assert not list(tmp_path.glob("[a-d]"))


def test_the_home_folder_is_for_its_person_alone(tmp_path: Path) -> None:
    made = Home(tmp_path / "x" / "y").create()
    assert made.root.stat().st_mode & 0o777 == 0o700
    assert made.create() == made
