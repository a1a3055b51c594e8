"""If these fail, somebody whose build broke reads the wrong reason. The lines are from real builds:
by Docker 20.10's own BuildKit and by buildx 0.13.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.images.bases.build_log import BuildLog
from yolodeploy.images.bases.causes import failure

STEP = "#10 [packages 2/2] RUN --mount=type=bind,target=/mnt     sh /mnt/install-runtime.sh"
OLD_END = "#10 ERROR: executor failed running [/bin/sh -c sh /mnt/x]: exit code: 1"
NEW_END = '#10 ERROR: process "/bin/sh -c sh /mnt/x" did not complete successfully: exit code: 1'

KNOWN = {
    "#10 1.2 OSError: [Errno 28] No space left on device": "docker.disk_full",
    "#10 1.2 write /opt/x: no space left on device": "docker.disk_full",
    "#10 1.2 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.":
        "base.pins_mismatch",
    "#10 1.2 [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed": "base.untrusted",
    "#10 1.2 ERROR: No matching distribution found for anyio==4.16.0": "base.no_wheel",
    "#10 1.2 E: Could not resolve 'mirror.example'": "base.no_network",
    "#10 1.2 Temporary failure in name resolution": "base.no_network",
    "#10 0.1 exec /bin/sh: exec format error": "base.emulation",
    "#10 1.2 AssertionError: 3.9.2 (default, Feb 28 2021)": "base.old_python",
    "#10 1.2 /bin/sh: 1: apt-get: not found": "base.no_apt",
    "#10 1.2 something else": "base.step_failed",
}  # fmt: skip


def read(*lines: str) -> BuildLog:
    log = BuildLog()
    for line in lines:
        log.read(line + "\n")
    return log


@pytest.mark.parametrize("end", [OLD_END, NEW_END])
@pytest.mark.parametrize("said", KNOWN)
def test_a_known_cause_has_its_own_remedy(said: str, end: str) -> None:
    error = failure(read(STEP, said, end, "------", " > [packages 2/2] RUN:"), "debian:12")
    assert error.code == KNOWN[said]
    assert error.fields["step"].startswith("[packages 2/2] RUN sh /mnt/install-runtime.sh")
    assert error.fields["reason"] == "exit code: 1"
    assert error.text() != error.code
    assert error.remedy()


def test_the_command_of_a_step_is_no_cause() -> None:
    """It names what it asserts, whatever it failed of."""
    line = "#6 ERROR: executor failed running [/bin/sh -c apt-get: not found]: exit code: 100"
    error = failure(read("#6 [root 2/2] RUN apt-get: not found", line), "x")
    assert (error.code, error.fields["reason"]) == ("base.step_failed", "exit code: 100")


def test_errors_come_before_other_lines() -> None:
    error = failure(
        read(STEP, "#10 1.0 ERROR: this one", "#10 1.1 notice: a new pip", OLD_END), "x"
    )
    assert error.fields["lines"] == "ERROR: this one"


def test_a_root_that_is_nowhere() -> None:
    for line in (
        "#4 ERROR: pull access denied, repository does not exist",
        "#4 ERROR: failed to do request: dial tcp: lookup registry on 10.0.0.1: no such host",
    ):
        log = read("#4 [internal] load metadata for registry.example/x:1", line)
        assert failure(log, "registry.example/x:1").code == "base.root_absent"


def test_a_file_that_is_no_dockerfile() -> None:
    log = read("#1 [internal] load build definition", "failed to solve: unknown instruction: FORM")
    assert "unknown instruction: FORM" in failure(log, "x").text()


@given(st.lists(st.text(max_size=300) | st.from_regex(r"#\d{1,3} .*")))
def test_nothing_that_a_builder_prints_breaks_the_reading(lines: list[str]) -> None:
    log = BuildLog()
    for line in lines:
        said = log.read(line)
        assert said is None or "\x1b" not in said.text
    error = failure(log, "x")
    assert len(error.text().splitlines()) == 1
