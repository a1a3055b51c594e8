"""If this fails, a shadow in a cluster sees nothing, or nobody is told how it compares.

Real servers as the pods of a double; the test is their kubelet and their network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.double.store import Obj
from tests.kubernetes.parts import Bench
from tests.serve.conftest import model  # noqa: F401 (a fixture)
from tests.serve.running import Server
from tests.sites.parts import APP, until
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import ASIDE, MIRROR, MIRROR_FILE
from yolodeploy.core.release import Release
from yolodeploy.core.serving import ServeConfig
from yolodeploy.core.shadowing import ShadowReport
from yolodeploy.core.site import Intent, Phase

PICTURE = Path(__file__).parents[2] / "examples" / "brake_disc" / "frames"


@pytest.fixture
def pods(
    tmp_path: Path,
    v1: Release,
    v2: Release,
    model: Path,  # noqa: F811
) -> Iterator[dict[str, Server]]:
    """A server of each release."""
    servers: dict[str, Server] = {}
    for release in (v1, v2):
        folder = tmp_path / str(release.number)
        folder.mkdir()
        config = ServeConfig(
            model=str(model), state_dir=str(folder / "state"), app=APP, release=release.digest,
            **({"mirror": str(tmp_path / MIRROR_FILE)} if release is v1 else {}),
        )  # fmt: skip
        servers[release.digest] = Server(config, folder)
    for server in servers.values():
        server.wait_ready()
    yield servers
    for server in servers.values():
        server.process.kill()
        server.process.wait()


def test_the_old_servers_mirror_while_a_shadow_is_tried(
    bench: Bench, v1: Release, v2: Release, pods: dict[str, Server], tmp_path: Path
) -> None:
    def answer(pod: Obj, path: str) -> bytes | None:
        beside = ASIDE in pod["metadata"]["labels"]
        reply = pods[v2.digest if beside else v1.digest].ask(f"/{path}")
        return reply.body if reply.status == 200 else b"{}"

    bench.double.real = answer
    picture = next(iter(sorted(PICTURE.iterdir()))).read_bytes()
    old, new = pods[v1.digest], pods[v2.digest]
    fence = bench.commit(v1)
    bench.try_beside(v2, v1, Beside(Way.SHADOW, 100), fence, 3600.0)
    told = until(lambda: bench.double.kept.get(("configmaps", APP, MIRROR)), "they are told to")
    address = new.address()
    assert address is not None
    text = told["data"][MIRROR_FILE].replace("10.43.0.7:8000", f"127.0.0.1:{address.port}")
    (tmp_path / MIRROR_FILE).write_text(text)

    def compared() -> ShadowReport | None:
        assert old.detect(picture).status == 200
        found = [each for each in bench.site.compared(APP) if each.compared > 3]
        return found[0] if found else None

    report = until(compared, "what was mirrored is compared")
    assert report.release == v2.digest
    assert report.agreement.frames == report.compared
    assert new.report().epochs[-1].requests >= report.compared
    bench.site.apply(Intent(app=APP, release=v1), fence)
    bench.settled(v1, Phase.COMMITTED)
    assert ("configmaps", APP, MIRROR) not in bench.double.kept
    (tmp_path / MIRROR_FILE).unlink()
    until(lambda: not bench.site.compared(APP), "nobody mirrors any more")
