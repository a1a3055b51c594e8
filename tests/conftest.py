"""What every test may use: a home folder of its own, the sample models, and sites that really run.

Nothing outlives a test: whatever it started in its home folder is ended with it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from _pytest.terminal import TerminalReporter

from yolodeploy.ops.catalog import add_model, build_image, create_app, create_release
from yolodeploy.ops.home import Home
from yolodeploy.ops.quickstart import clean_up
from yolodeploy.ops.sites import create_site

# a shell's background job ignores Ctrl-C, and so would every program that the tests start and press
# it for
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# times are never asserted, an example's neither: the machine may be busy with something else. In CI
# the examples are the same for the same test, so that a change is judged and not chance; it is
# looked for further by whoever runs them elsewhere, and by the fuzzing
hypothesis.settings.register_profile(
    "yolodeploy", deadline=None, derandomize=bool(os.environ.get("YOLODEPLOY_NO_SKIP"))
)
hypothesis.settings.load_profile("yolodeploy")

EXAMPLE = Path(__file__).parent.parent / "examples" / "brake_disc"


@pytest.fixture
def example() -> Path:
    """The sample models and frames."""
    return EXAMPLE


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty home folder, which is the one in force."""
    root = tmp_path / "home"
    monkeypatch.setenv("YOLODEPLOY_HOME", str(root))
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "en")
    found = Home(root).create()
    yield found
    clean_up(found)


@pytest.fixture
def releases(home: Home, example: Path) -> Callable[..., list[str]]:
    """Makes releases of the sample models: `releases(1, 3)` gives two aliases."""

    def make(*versions: int) -> list[str]:
        create_app(home, "brake-disc", frames=str(example / "frames"))
        made = []
        for version in versions:
            name = f"brake-disc-v{version}"
            add_model(home, example / "models" / f"{name}.onnx")
            image = build_image(home, name)
            made.append(create_release(home, "brake-disc", image.digest).alias)
        return made

    return make


@pytest.fixture
def sites(home: Home) -> Callable[..., list[str]]:
    """Makes embedded sites that run: `sites(2)` gives two names, each with one device."""

    def make(count: int = 1, devices: int = 1) -> list[str]:
        names = [f"site-{number}" for number in range(1, count + 1)]
        for name in names:
            create_site(home, name, devices, {})
        return names

    return make


# tiers of their own: what they need is not on a CI machine; nor has every processor bf16
ELSEWHERE = ("train", "gpu", "k3s", "cluster")
PROCESSOR = "this processor"


def _elsewhere(item: pytest.Item, report: pytest.TestReport) -> bool:
    return any(map(item.get_closest_marker, ELSEWHERE)) or PROCESSOR in str(report.longrepr)


def _skips_fail() -> bool:
    return bool(os.environ.get("YOLODEPLOY_NO_SKIP"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI every real part is there, so a skip hides something, but for tiers of their own."""
    report = yield
    if report.skipped and _skips_fail() and not _elsewhere(item, report):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole files."""
    report = yield
    if report.skipped and _skips_fail():
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


SECOND_TRIES = 3  # more than that is no chance any more


def _tried_twice(reporter: TerminalReporter) -> set[str]:
    return {report.nodeid for report in reporter.stats.get("rerun", [])}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests are tried twice, as in CI, only few may need it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    passed = session.exitstatus == pytest.ExitCode.OK
    if reporter and passed and len(_tried_twice(reporter)) > SECOND_TRIES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say so as well: pytest's own last line has passed tests only."""
    count = len(_tried_twice(terminalreporter))
    if count > SECOND_TRIES:
        terminalreporter.write_line(
            f"{count} tests needed a second try, {SECOND_TRIES} may", red=True
        )
