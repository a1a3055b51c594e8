"""If these fail, a build that goes wrong leaves somebody without the step, the reason or a remedy.

With a real engine, and roots of one program, so that a build takes a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.registry.engine import Engine
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.home import Home

LOCK = '[some]\nroot = "registry.invalid/root:1"\nplatforms = ["linux/amd64", "linux/arm64"]\n'
WAITER = "/m/some/wait"
YOLODEPLOY = str(Path(sys.executable).with_name("yolodeploy"))
START = "ARG BASE\nFROM ${BASE} AS root\n"


def recipe(folder: Path, *lines: str, lock: str = LOCK) -> list[str]:
    """A folder of recipes with one that ends in some lines; the words that name it."""
    (folder / "some").mkdir(parents=True)
    (folder / "lock.toml").write_text(lock)
    (folder / "some" / "Dockerfile").write_text(START + "\n".join(lines) + "\n")
    return ["image", "build-base", "some", "--folder", str(folder)]


def test_what_was_built_is_a_base_and_nothing_is_left_in_the_engine(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path
) -> None:
    words = recipe(
        tmp_path / "recipes", "FROM root", "COPY --from=root / /opt/runtime", "USER 65532:65532"
    )
    before = here("images", "--all", "--quiet")
    answer = run(*words, "--root", tiny, "--compression", "none", "-o", "name")
    assert (answer.code, answer.out) == (0, "base\nruntime\n"), answer.err
    assert "COPY --from=root / /opt/runtime" in answer.err  # line by line
    assert here("images", "--all", "--quiet") == before
    layout = Layout(home.layout)
    manifest = layout.read_manifest(layout.find("some").digest)
    config = layout.read_config(manifest)
    assert config.config is not None
    assert config.config.user == "65532:65532"
    assert tuple(layer.digest for layer in manifest.layers) == config.rootfs.diff_ids


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_building_it_again_adds_nothing(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path, compression: str
) -> None:
    words = recipe(tmp_path / "recipes", "FROM root", "COPY --from=root / /opt/runtime")
    line = [*words, "--root", tiny, "--compression", compression, "-o", "jsonl"]
    first, again = run(*line), run(*line)
    assert first.code == again.code == 0, first.err + again.err
    assert '"reused": false' in first.out
    assert '"reused": false' not in again.out


def test_a_root_may_be_an_archive(
    run: Run, here: Engine, tiny: str, disk: Path, home: Home, tmp_path: Path
) -> None:
    words = recipe(tmp_path / "recipes", 'RUN ["/program", "--version"]')
    before = here("images", "--all", "--quiet")
    answer = run(*words, "--root", str(disk / "tiny.tar"), "--network", "none")
    assert answer.code == 0, answer.err
    assert "ldconfig" in answer.err
    assert here("images", "--all", "--quiet") == before


BROKEN = {
    'RUN ["/program", "--nothing"]': "base.step_failed",
    'RUN ["/none"]': "base.step_failed",
    "COPY nowhere /": "base.step_failed",
    "FORM nothing": "base.step_failed",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_step_that_fails_is_named_with_what_it_said(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path, line: str
) -> None:
    words = recipe(tmp_path / "recipes", line)
    answer = run(*words, "--root", tiny, "--network", "none")
    assert answer.code == 1
    last = [text for text in answer.err.splitlines() if text.startswith("yolodeploy: ")]
    assert len(last) == 1
    assert "the build failed in" in last[0]
    assert "--no-cache" in answer.err.splitlines()[-1]
    if "--nothing" in line:
        assert 'RUN ["/program", "--nothing"]: exit code: 64' in last[0]
        assert "unrecognized option '--nothing'" in last[0]
    assert not home.layout.exists()


def test_a_root_that_is_nowhere_is_named(
    run: Run, here: Engine, home: Home, tmp_path: Path
) -> None:
    answer = run(*recipe(tmp_path / "recipes"), "--root", "registry.invalid/none:1")
    assert answer.code == 1
    assert "there is no image registry.invalid/none:1" in answer.err
    assert "mmdebstrap" in answer.err


def test_an_empty_lock_is_refused_and_none_is_made_up(
    run: Run, here: Engine, home: Home, tmp_path: Path
) -> None:
    answer = run(*recipe(tmp_path / "recipes"))
    assert answer.code == 2
    assert "its lock says nothing of registry.invalid/root:1" in answer.err
    assert "yolodeploy image lock some" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--platform", "linux/s390x"], "not built for linux/s390x"),
        (["--platform", "amd64"], "amd64"),
        (["--parts", "nothing"], "there is no part nothing"),
        (["--name", "../up"], "../up"),
        (["--ca", "/nowhere"], "there is no /nowhere"),
        (["--root", "/nowhere.tar"], "there is no /nowhere.tar"),
        (["--wheels", "/nowhere"], "there is no /nowhere"),
    ],
)
def test_wrong_words_change_nothing(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path, words: list[str], said: str
) -> None:
    before = sorted(home.root.rglob("images*"))
    answer = run(*recipe(tmp_path / "recipes"), "--root", tiny, *words)
    assert answer.code in (1, 2)
    assert said in answer.err
    assert "mend it with" in answer.err
    assert sorted(home.root.rglob("images*")) == before


def test_a_damaged_lock_is_named(run: Run, here: Engine, home: Home, tmp_path: Path) -> None:
    for number, lock in enumerate(("[some", "[some]\nroot = 3\n", "[some]\nroots = 'x'\n")):
        answer = run(*recipe(tmp_path / str(number), lock=lock))
        assert answer.code == 1
        assert "lock.toml is damaged" in answer.err


def test_a_dry_run_builds_nothing(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path
) -> None:
    before = here("images", "--all", "--quiet")
    answer = run(*recipe(tmp_path / "recipes", "COPY x /"), "--root", tiny, "--dry-run")
    assert answer.code == 0, answer.err
    assert "would be built" in answer.err
    assert here("images", "--all", "--quiet") == before
    assert not home.layout.exists()


def test_ctrl_c_ends_the_build_in_the_engine_too(
    here: Engine, tiny: str, home: Home, tmp_path: Path
) -> None:
    # the one program of that root cannot wait
    words = recipe(tmp_path / "recipes", f'RUN --mount=type=bind,target=/m ["{WAITER}"]')
    wait_in(tmp_path / "recipes" / "some" / "wait")
    process = subprocess.Popen(
        [YOLODEPLOY, *words, "--root", tiny, "--network", "none"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ.copy(),
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "waiting" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "Traceback" not in rest
    deadline = time.monotonic() + 300
    while any(text.startswith(WAITER.encode()) for text in command_lines()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def wait_in(place: Path) -> None:
    """A program that says so and waits for ever."""
    source = place.with_suffix(".c")
    text = 'int main(void) { write(2, "waiting\\n", 8); for (;;) pause(); }\n'
    source.write_text(f"#include <unistd.h>\n{text}")
    subprocess.run(["gcc", "-static", "-o", str(place), str(source)], check=True)


def command_lines() -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            continue
    return found


def test_an_engine_that_is_not_there(
    run: Run, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    answer = run(*recipe(tmp_path / "recipes"), "--root", "x")
    assert answer.code == 1
    assert f"no Docker engine answers at unix://{tmp_path}/none" in answer.err
    assert "DOCKER_HOST" in answer.err


def test_no_docker_and_a_docker_without_buildkit(
    run: Run, home: Home, here: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    assert "no docker command" in run(*recipe(tmp_path / "a"), "--root", "x").err
    (folder / "docker").write_text('#!/bin/sh\necho "Docker version 28.2.2"\n[ $# = 1 ]\n')
    (folder / "docker").chmod(0o755)
    answer = run(*recipe(tmp_path / "b"), "--root", "x")
    assert "has no BuildKit" in answer.err
    assert "docker-buildx" in answer.err


def test_what_a_killed_build_left_is_gone_a_day_later(
    run: Run, here: Engine, tiny: str, home: Home, tmp_path: Path
) -> None:
    fresh = f"yolodeploy.invalid/base-some:{int(time.time())}-ab"
    for name in ("yolodeploy.invalid/base-some:1700000000-ab", fresh):
        here("tag", tiny, name)
    answer = run(*recipe(tmp_path / "recipes", 'RUN ["/program"]'), "--root", tiny)
    left = here("images", "--format", "{{.Repository}}:{{.Tag}}", "yolodeploy.invalid/*")
    here("rmi", fresh)
    assert answer.err
    assert left == fresh
