"""If these fail, whoever has to look at a plant by hand gets no shell there, or another site's."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.gateways.hosts import Gateway
from tests.sites.parts import LIMIT_S
from tests.ssh.conftest import Plant, pair, plant  # noqa: F401 (fixtures)
from yolodeploy.ops.home import Home

LINE = "import sys; from yolodeploy.cli.main import main; sys.exit(main(sys.argv[1:]))"


def typed(home: Home, *words: str, text: str) -> str:
    """What a terminal shows when a command is typed there, and then a text."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"YOLODEPLOY_HOME": str(home.root), "SHELL": "/usr/sbin/nologin", "ENV": ""}
        os.execv(sys.executable, [sys.executable, "-c", LINE, *words])
    os.write(terminal, text.encode())
    seen = b""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # as Linux says that the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(terminal)
    os.waitpid(pid, 0)
    return seen.decode(errors="replace")


def test_a_shell_here_talks_to_its_site(at_home: Home, tmp_path: Path, run: Run) -> None:  # noqa: F811
    shown = typed(at_home, "site", "shell", "plant", text='echo "<$KUBECONFIG>"; exit\n')
    own = at_home.site("plant") / "context.yaml"
    assert f"<{own}:{tmp_path / 'kubeconfig'}>" in shown
    assert '"current-context": "here"' in own.read_text()
    assert "t0ken" not in own.read_text()
    assert "t0ken" not in shown
    told = run("site", "shell", "plant")
    assert (told.code, "terminal" in told.err) == (1, True)
    assert run("site", "shell", "plant", "--device", "edge-1").code == 2
    assert run("site", "create", "here").code == 0
    assert run("site", "shell", "here").code == 1


def test_a_shell_on_a_gateway(
    home: Home,
    plant: Plant,  # noqa: F811
    pair: list[Gateway],  # noqa: F811
) -> None:
    plant()
    for words, address in (((), pair[0].address), (("--device", "gw-2"), pair[1].address)):
        shown = typed(
            home, "site", "shell", "plant", *words, text='echo "<$SSH_CONNECTION>"; tty; exit\n'
        )
        assert f" {address} 22>" in shown
        assert "/dev/pts/" in shown
