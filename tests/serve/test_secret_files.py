"""If these fail, a password that others can read is used, or one that a kubelet brings is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.secret_files import content_of

GROUP = 65532

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    ("mode", "owner", "group", "taken"),
    [
        (0o600, 0, 0, True),
        (0o440, 0, GROUP, True),  # a Secret under a pod's fsGroup
        (0o640, 0, GROUP, True),
        (0o444, 0, GROUP, False),
        (0o460, 0, GROUP, False),
        (0o450, 0, GROUP, False),
        (0o440, GROUP, GROUP, False),
        (0o440, 0, GROUP + 1, False),
    ],
)
def test_a_secret_is_ours_alone(
    tmp_path: Path, mode: int, owner: int, group: int, taken: bool
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a:b")
    os.chown(secret, owner, group)
    secret.chmod(mode)
    before = os.getegid()
    os.setegid(GROUP)
    try:
        if taken:
            assert content_of(str(secret), "camera.secret") == b"a:b"
        else:
            with pytest.raises(UsageError):
                content_of(str(secret), "camera.secret")
    finally:
        os.setegid(before)
    secret.chmod(0o440)
    os.chown(secret, 0, 0)
    with pytest.raises(UsageError):  # root's own group is everybody who runs as root
        content_of(str(secret), "camera.secret")
