"""If these fail, whoever follows an embedded site's servers reads nothing after a rotation."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.sites.parts import Bench, until
from yolodeploy.core.logs import LogQuery
from yolodeploy.core.release import Release
from yolodeploy.core.site import LogLine
from yolodeploy.sites.embedded.logs import Tail


def test_a_file_is_read_on_though_it_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = Tail(path, 2)
    assert tail.read() == []
    path.write_bytes(b"one\ntwo\nthree\nfo")
    assert tail.read() == [b"two", b"three"]
    with path.open("ab") as file:
        file.write(b"ur\nfive\n")
    assert tail.read() == [b"four", b"five"]
    with path.open("ab") as file:
        file.write(b"six\n")
    path.rename(tmp_path / "log.1")
    assert tail.read() == [], "just now there is none"
    path.write_bytes(b"seven\n")
    assert tail.read() == [b"six", b"seven"]


def is_earlier(text: str) -> bool:
    return text.endswith("of an earlier process")


def test_new_lines_and_those_of_the_process_before(bench: Bench, v1: Release) -> None:
    bench.commit(v1)
    site = bench.site
    assert all(line.at > 0 for line in site.logs())
    assert list(site.logs(LogQuery(since=time.time() + 3600))) == []
    assert list(site.logs(LogQuery(devices=("nobody",)))) == []
    read: list[str] = []
    stop = threading.Event()

    def follow() -> None:
        for line in site.follow(LogQuery(), stop):
            if isinstance(line, LogLine):
                read.append(line.text)

    thread = threading.Thread(target=follow)
    thread.start()
    until(lambda: read, "the last lines are read")
    instance = bench.only_instance()
    log = site.folder.log(instance.name)
    with log.open("a") as file:
        file.write("1970-01-01T00:00:01Z of an earlier process\n")
    until(lambda: any(map(is_earlier, read)), "a new line is read")
    stop.set()
    thread.join()
    assert len(read) == len(set(read))
    before = [line.text for line in site.logs(LogQuery(previous=True))]
    assert is_earlier(before[-1])
    assert all(line.at < instance.started_at for line in site.logs(LogQuery(previous=True)))
