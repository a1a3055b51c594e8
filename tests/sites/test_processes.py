"""If these fail, processes outlive their site, or a site does not come back after a crash."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.oci.small_disk import small_disk
from tests.sites.parts import APP, LIMIT_S, Bench, alive, answer, kill, until
from yolodeploy.core.errors import Corrupt, Failed, Unreachable
from yolodeploy.core.release import Release
from yolodeploy.core.site import Phase
from yolodeploy.ops.home import Home
from yolodeploy.sites.embedded import lifecycle
from yolodeploy.sites.embedded.agent import Agent
from yolodeploy.sites.embedded.launch import instance_name
from yolodeploy.sites.embedded.store import InstanceRow, Store


def stopped(bench: Bench) -> bool:
    try:
        bench.site.observe()
    except Unreachable as error:
        return error.code == "site.stopped"
    return False


def test_nothing_outlives_a_killed_supervisor_and_all_comes_back(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.trial(v2, v1, 3600.0, fence)
    bench.settled(v2, Phase.TRIAL)
    endpoints = bench.app().endpoints
    pids = bench.processes()
    assert len(pids) == 3  # supervisor, agent, one server
    kill(bench.supervisor)
    until(lambda: stopped(bench), "the site says that it is stopped")
    until(lambda: not any(map(alive, pids)), "agent and server ended too")
    bench.start()
    until(lambda: bench.app().settled, "what was asked for runs again")
    assert bench.app().endpoints == endpoints
    assert answer(endpoints[0]) == 200
    app = bench.app()
    assert (app.phase, app.release, app.previous) == (Phase.TRIAL, v2, v1)
    assert bench.only_instance().restarts == 0  # it was not the release that died


def test_a_site_is_started_while_the_servers_of_a_killed_supervisor_hang(
    bench: Bench, v1: Release
) -> None:
    bench.commit(v1)
    server = bench.pid(bench.only_instance().name)
    os.kill(server, signal.SIGSTOP)
    kill(bench.supervisor)
    bench.start()
    assert not alive(server)
    bench.settled(v1)
    assert bench.only_instance().ready


def test_many_who_start_one_site_get_one_supervisor(bench: Bench) -> None:
    bench.stop()
    threads = [threading.Thread(target=bench.start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: bench.agent, "the agent runs")
    assert len(bench.processes()) == 2


def test_a_stopped_site_says_so_at_once_and_keeps_what_it_knows(bench: Bench, v1: Release) -> None:
    bench.commit(v1)
    bench.stop()
    assert stopped(bench)
    assert bench.processes() == []
    with pytest.raises(Unreachable):
        bench.site.claim("ann", 60.0)
    bench.start()
    bench.settled(v1, Phase.COMMITTED)


def test_a_site_put_back_tells_all_that_it_knows(bench: Bench, v1: Release) -> None:
    """Who has heard more of it than it has counted begins anew: else it is deaf for as long."""
    bench.commit(v1)
    known = bench.site.watch(0)
    newest = known[-1].sequence
    assert all(event.sequence > newest for event in bench.site.watch(newest))
    assert bench.site.watch(newest + 1000)[: len(known)] == known


def test_removing_leaves_nothing_and_twice_is_harmless(bench: Bench, v1: Release) -> None:
    bench.commit(v1)
    pids = bench.processes()
    socket_file = bench.folder.socket
    assert socket_file.exists()
    bench.remove()
    bench.remove()
    assert not any(map(alive, pids))
    assert not bench.root.exists()
    assert not socket_file.exists()


def test_removing_right_after_the_supervisor_was_killed_leaves_nothing(
    bench: Bench, v1: Release
) -> None:
    bench.commit(v1)
    pids = bench.processes()
    os.kill(bench.supervisor, signal.SIGKILL)
    bench.remove()
    assert not any(map(alive, pids))
    assert not bench.root.exists()


def test_a_site_reached_by_another_name_is_stopped_too(bench: Bench, v1: Release) -> None:
    """A home folder behind a symbolic link."""
    bench.commit(v1)
    alias = bench.home.root.parent / "alias"
    alias.symlink_to(bench.home.root)
    lifecycle.stop(alias / "sites" / bench.name, bench.name)
    assert bench.processes() == []


def test_an_agent_that_died_between_row_and_program_is_made_good(bench: Bench, v1: Release) -> None:
    """Else the instance is neither there nor started, for ever."""
    (device,) = (state.name for state in bench.site.observe().devices)
    name = instance_name(APP, device, v1.digest)
    with closing(Store(bench.folder.database, bench.name)) as store:
        store.put_instance(InstanceRow(name=name, device=device, app=APP, release=v1.digest))
    bench.commit(v1)
    assert bench.only_instance().ready


def test_who_reads_of_a_restart_sees_no_address_of_the_past_life(
    bench: Bench, v1: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a client that waited for the restart asks where nobody is any more."""
    bench.commit(v1)
    name = bench.only_instance().name
    agent = Agent(bench.root, bench.name)
    seen = set()

    def watched(write: Callable[..., None]) -> Callable[..., None]:
        def written(*values: object) -> None:
            write(*values)
            seen.add((bench.only_instance().restarts, len(bench.events("instance.restarted"))))

        return written

    monkeypatch.setattr(agent.store, "put_instance", watched(agent.store.put_instance))
    monkeypatch.setattr(agent.store, "add_event", watched(agent.store.add_event))
    own = bench.agent
    os.kill(own, signal.SIGSTOP)  # this one does its work
    try:
        os.kill(bench.pid(name), signal.SIGKILL)
        until(lambda: agent.round() or bench.only_instance().restarts, "it was started again")
    finally:
        os.kill(own, signal.SIGCONT)
    assert seen <= {(0, 0), (1, 1)}
    assert len(bench.events("instance.restarted")) == 1


def test_a_second_agent_does_not_stay(bench: Bench) -> None:
    """One whose supervisor died while it was being started belongs to nobody."""
    agent = [sys.executable, "-P", "-m", "yolodeploy.sites.embedded.agent", str(bench.root)]
    assert subprocess.run(agent, timeout=LIMIT_S, check=False).returncode == 0
    until(lambda: bench.agent, "the site's own agent runs")
    assert len(bench.processes()) == 2


def test_a_program_without_a_row_is_ended(bench: Bench, v1: Release) -> None:
    """And another one started: it would answer, and never count as ready."""
    bench.commit(v1)
    before = bench.pid(bench.only_instance().name)
    with closing(Store(bench.folder.database, bench.name)) as store:
        store.forget_instance(bench.only_instance().name)
    # until the agent has looked, the app counts as settled and the old server answers
    until(lambda: [item.ready for item in bench.instances()] == [True], "another one is ready")
    assert not alive(before)
    bench.settled(v1)
    until(lambda: len(bench.processes()) == 3, "one server is left")
    assert answer(bench.app().endpoints[0]) == 200


def test_an_instance_whose_port_is_taken_says_so(bench: Bench, v1: Release) -> None:
    fence = bench.commit(v1)
    port = urlsplit(bench.app().endpoints[0]).port
    bench.commit(None, fence)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        bench.trial(v1, None, 3600.0, fence)
        reason = until(
            lambda: next((i.reason for i in bench.instances() if "taken" in i.reason), ""),
            "the instance says why",
        )
    assert str(port) in reason


@pytest.mark.parametrize("how", ["flipped", "truncated", "absent"])
def test_a_damaged_image_is_refused_and_the_site_stays_as_it_is(
    bench: Bench, v1: Release, v2: Release, how: str
) -> None:
    from yolodeploy.core.errors import NotFound
    from yolodeploy.oci.layout import Layout

    bench.commit(v1)
    before = sorted(path.name for path in bench.folder.layers.iterdir())
    layer = Layout(bench.home.layout).read_manifest(v2.spec.image).layers[-1]
    blob = bench.home.layout / "blobs" / layer.digest.replace(":", "/")
    content = bytearray(blob.read_bytes())
    blob.unlink()
    if how == "flipped":
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
    elif how == "truncated":
        blob.write_bytes(content[:-1])
    with pytest.raises(NotFound if how == "absent" else Corrupt):
        bench.site.prefetch(v2.spec)
    assert sorted(path.name for path in bench.folder.layers.iterdir()) == before
    assert bench.site.lacking_bytes(v2.spec) > 0
    bench.settled(v1, Phase.COMMITTED)


def test_a_full_disk_leaves_nothing_half_done(
    home: Home, releases: Callable[..., list[str]]
) -> None:
    (alias,) = releases(1)
    with small_disk(home.root.parent / "disk", "1m") as disk:
        bench = Bench(home, "tight")
        bench.root = disk / "tight"
        lifecycle.create(bench.root, "tight", ["tight-1"])
        try:
            bench.site = type(bench.site)("tight", bench.root, home.layout)
            bench.folder = bench.site.folder
            release = bench.release(alias)
            with pytest.raises(Failed) as told:
                bench.site.prefetch(release.spec)
            assert told.value.code == "oci.disk_full"
            lacking = bench.site.lacking_bytes(release.spec)
            assert lacking > 1 << 20
            whole = [path for path in bench.folder.layers.iterdir() if len(path.name) == 64]
            aside = list((bench.folder.layers / ".staging").iterdir())
            assert len(whole) <= 1  # the server's layer has its place, the model's has not
            assert aside == []
            assert bench.site.observe().apps == ()
            subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
            assert bench.site.prefetch(release.spec).moved_bytes == lacking
        finally:
            bench.remove()
        assert list(disk.iterdir()) == []


def test_a_server_that_answers_nonsense_is_an_error_and_no_crash(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, v1: Release
) -> None:
    """An image may hold a server of another version."""
    from yolodeploy.sites.embedded import servers
    from yolodeploy.sites.embedded.probe import Answer

    bench.commit(v1)
    instance = bench.only_instance()
    nonsense = Answer(200, b'{"boxes": [null]}')
    monkeypatch.setattr(servers, "request", lambda *_, **__: nonsense)
    with pytest.raises(Failed) as told:
        bench.site.detect(instance, b"picture")
    assert told.value.code == "site.detect"
