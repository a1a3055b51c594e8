"""The site's own controller: brings the processes to what was asked for, and guards trials.

It needs nobody outside the site: the operator may be asleep, gone, or never come back. Its own
memory is the store, so it may die at any moment; supervisord starts it again.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.gates import ErrorsGate, GateResult, Observation, RestartsGate, Verdict, judge
from yolodeploy.core.release import Release
from yolodeploy.core.site import StageReport
from yolodeploy.sites.embedded.clock import boot, since_boot
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.launch import command, instance_name, is_apart, placed
from yolodeploy.sites.embedded.mirroring import Mirroring
from yolodeploy.sites.embedded.placing import besides, mirrors
from yolodeploy.sites.embedded.probe import address, answers, request, url_of
from yolodeploy.sites.embedded.reconcile import Place, Seen, moves, places_of
from yolodeploy.sites.embedded.store import AppRow, InstanceRow, Store
from yolodeploy.sites.embedded.supervisor import (
    AGENT,
    Process,
    Supervisor,
    last_line,
    supervisor_pid,
)

ROUND_S = 0.2
PROBE_EVERY_S = 2.0  # of an instance that is ready; one that is not is asked every round
PROBES_FAILED = 3  # in a row: the process hangs, and is started again


class Agent:
    """One agent of one site."""

    def __init__(self, root: Path, site: str) -> None:
        self.folder = SiteFolder(root)
        self.store = Store(self.folder.database, site)
        self.supervisor = Supervisor(self.folder, site)
        self.site = site
        self._probed: dict[str, float] = {}
        self._unanswered: Counter[str] = Counter()
        self._guarded_at: dict[str, float] = {}
        self._mirroring = Mirroring(self.folder)
        self._beat_at = 0.0
        self._round_at = time.monotonic()
        self._round_s = 0.0

    def round(self) -> None:
        """Look at everything once and do what comes next."""
        now = time.monotonic()
        self._round_s, self._round_at = now - self._round_at, now
        processes = self.supervisor.processes()
        instances = self.store.instances()
        for name in instances:
            self._look_at(instances, name, processes.get(name))
        for app, row in self.store.apps().items():
            mine = [item for item in instances.values() if item.app == app]
            self._guard(app, row, mine)
            self._reconcile(app, self.store.apps()[app], mine, processes)
        self._drop_strays(processes)
        if time.monotonic() - self._beat_at > 1.0:
            self._beat_at = time.monotonic()
            self.store.beat(time.time())

    # looking ---------------------------------------------------------------------------------

    def _look_at(self, rows: dict[str, InstanceRow], name: str, process: Process | None) -> None:
        """Bring one row up to date with its process; a new start of a known one is a restart."""
        row = rows[name]
        if process is None:
            seen = msgspec.structs.replace(row, ready=False, pid=0)
        else:
            # by process id: start times are whole seconds, and clocks are set back
            started = row.started_at != 0 and process.pid not in (0, row.pid)
            ready, url = self._ready(row, process)
            restarts = row.restarts + int(started)
            seen = msgspec.structs.replace(
                row,
                pid=process.pid,
                started_at=float(process.start) or row.started_at,
                restarts=restarts,
                ready=ready,
                url=url,
                reason="" if ready else self._reason(name, process, died=restarts > 0),
            )
        if seen == row:
            return
        rows[name] = seen
        with self.store.transaction():  # who reads of the restart sees no address of its past life
            self.store.put_instance(seen)
            if seen.restarts > row.restarts:
                self._event(row.device, "instance.restarted", f"{name} (restart {seen.restarts})")

    def _ready(self, row: InstanceRow, process: Process) -> tuple[bool, str]:
        """Whether it is ready, and where it answers; one that is leaving is not."""
        name = row.name
        found = address(self.folder.instances / name / "state")
        if found is None or not process.serving or found.pid != process.pid:
            self._probed.pop(name, None)
            return False, ""
        url = url_of(found)
        if not found.ready:
            return False, url
        now = time.monotonic()
        if name in self._probed and now - self._probed[name] < PROBE_EVERY_S:
            return True, url
        if answers(found):
            self._probed[name] = now
            self._unanswered[name] = 0
            return True, url
        return self._silent(row), url

    def _silent(self, row: InstanceRow) -> bool:
        """A process that was ready and gives no answer stays so twice, then it is ended."""
        if not row.ready:
            return False
        self._unanswered[row.name] += 1
        if self._unanswered[row.name] < PROBES_FAILED:
            return True
        del self._unanswered[row.name]
        self.supervisor.stop_program(row.name)  # reconciling starts it again
        return False

    def _reason(self, name: str, process: Process, *, died: bool) -> str:
        """Its last words, where it has died before; else what it is doing."""
        if died or process.statename in {"BACKOFF", "FATAL", "EXITED"}:
            return last_line(self.folder.log(name)) or process.statename.lower()
        return process.statename.lower()

    # guarding --------------------------------------------------------------------------------

    def _guard(self, app: str, row: AppRow, instances: list[InstanceRow]) -> None:
        if row.intent.guard is None or row.reverted or row.guard_until is None:
            return
        reason = ""
        if row.boot != boot() or since_boot() > row.guard_until:
            reason = "deadline"
        elif since_boot() - self._guarded_at.get(app, 0.0) > PROBE_EVERY_S / 2:
            self._guarded_at[app] = since_boot()
            broken = self._broken_gate(row.intent.release, instances)
            reason = broken.gate if broken else ""
        if reason and self.store.set_app(app, row, reverted=1, reason=reason, settled=0):
            back = row.intent.previous.alias if row.intent.previous else "nothing"
            self._event("", "guard.reverted", f"{app}: {reason}, back to {back}")

    def _broken_gate(
        self, release: Release | None, instances: list[InstanceRow]
    ) -> GateResult | None:
        """The first gate that the trial breaks, of those that can be judged from inside."""
        if release is None:
            return None
        local = [gate for gate in release.spec.gates if isinstance(gate, ErrorsGate | RestartsGate)]
        mine = [item for item in instances if item.release == release.digest]
        counts = [self._counts(item) for item in mine]
        seen = Observation(
            requests=sum(requests for requests, _ in counts),
            failures=sum(failures for _, failures in counts),
            restarts=sum(item.restarts for item in mine),
        )
        results = judge(local, seen, None)
        return next((result for result in results if result.verdict is Verdict.FAILED), None)

    @staticmethod
    def _counts(instance: InstanceRow) -> tuple[int, int]:
        if not instance.ready:
            return 0, 0
        try:
            answer = request(f"{instance.url}/sketches", timeout_s=2.0)
            report = msgspec.msgpack.decode(answer.body, type=StageReport)
        except (YolodeployError, msgspec.DecodeError):
            return 0, 0
        requests = sum(epoch.requests for epoch in report.epochs)
        return requests, sum(epoch.failures for epoch in report.epochs)

    # doing -----------------------------------------------------------------------------------

    def _reconcile(
        self, app: str, row: AppRow, instances: list[InstanceRow], processes: dict[str, Process]
    ) -> None:
        devices = self.store.devices()
        wanted = row.serving.digest if row.serving else None
        beside = () if row.reverted else besides(row.intent, devices)
        places = places_of(devices, wanted, beside)
        known = [_seen(item, processes.get(item.name)) for item in instances]
        # a row without a program: this agent's forerunner died between the two, so it starts anew
        seen = [item for item in known if item.name in processes or item.place not in places]
        todo = moves(wanted, places, seen)
        for name in todo.stop:
            self.supervisor.stop_program(name)
        for name in todo.drop:
            self._drop(name)
        for name in todo.restart:
            self.supervisor.start_program(name)
        # a program without a row is ended first: its folder would be emptied under it
        free = [place for place in todo.start if _name(app, place) not in processes]
        self._start(row, free)
        urls = {item.name: item.url for item in instances}
        self._mirroring.follow(mirrors(row.intent if not row.reverted else None, seen, urls))
        self._account(app, row, todo.settled, instances)

    def _start(self, row: AppRow, places: Sequence[Place]) -> None:
        for release in {each.digest: each for each in (row.serving, row.target) if each}.values():
            mine = [place for place in places if place.release == release.digest]
            if mine:
                self._start_on(release, mine)

    def _start_on(self, release: Release, places: Sequence[Place]) -> None:
        found = placed(self.folder, release.spec.image)
        if found is None:
            return  # prefetched images only; observe() says what is missing
        app = release.spec.app
        ports = self.store.ports(app)
        for place in places:
            name, device, apart = _name(app, place), place.device, place.apart
            shutil.rmtree(self.folder.instances / name, ignore_errors=True)
            self._mirroring.forget(name)
            line, environment = command(
                self.folder,
                found,
                release,
                site=self.site,
                device=device,
                port=ports[device],
                born=f"{time.time_ns() // 1_000_000:x}",
                apart=apart,
            )
            self.store.put_instance(
                InstanceRow(name=name, device=device, app=app, release=release.digest)
            )
            self.supervisor.write_program(name, line, environment)
            self._event(device, "instance.started", f"{name} ({release.alias})")
        self.supervisor.reload()

    def _drop(self, name: str) -> None:
        """Forget an instance that has stopped. Its measurements stay for one more round."""
        self.supervisor.drop_program(name)
        self.store.forget_instance(name)
        shutil.rmtree(self.folder.instances / name, ignore_errors=True)
        self._mirroring.forget(name)

    def _drop_strays(self, processes: dict[str, Process]) -> None:
        """A program without a row: the agent died between writing the one and the other."""
        known = self.store.instances()
        for name, process in processes.items():
            if name != AGENT and name not in known:
                if process.alive:
                    self.supervisor.stop_program(name)
                else:
                    self.supervisor.drop_program(name)

    def _account(self, app: str, row: AppRow, settled: bool, instances: list[InstanceRow]) -> None:
        """Note when the app is settled, and how long it was out: no ready instance on a device."""
        if settled != row.settled:
            kept = self.store.set_app(app, row, settled=int(settled))
            if kept and settled and row.reverted:
                self._event("", "guard.settled", f"{app}: {row.reason}")
        served = {item.device for item in instances if item.ready and not is_apart(item.name)}
        before = row.intent.previous is not None
        if before and not settled and any(device not in served for device in self.store.devices()):
            self.store.set_app(app, row, outage_s=row.outage_s + self._round_s)

    def _event(self, device: str, code: str, detail: str) -> None:
        self.store.add_event(time.time(), device, code, detail)


def _seen(row: InstanceRow, process: Process | None) -> Seen:
    stopped = process is None or process.stopped
    return Seen(row.name, row.device, row.release, row.ready, stopped, is_apart(row.name))


def _name(app: str, place: Place) -> str:
    return instance_name(app, place.device, place.release, apart=place.apart)


def main(root: Path) -> int:
    """Run until SIGTERM."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: never without a supervisor
    # which may have died before that line: then this process belongs to somebody else already
    parent = supervisor_pid(SiteFolder(root))
    running = True

    def end(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    agent = Agent(root, root.name)
    while running and os.getppid() == parent:
        started = time.monotonic()
        try:
            agent.round()
        except YolodeployError as error:
            print(f"{time.time():.3f} {error}", file=sys.stderr, flush=True)  # noqa: T201 (its log)
        time.sleep(max(ROUND_S - (time.monotonic() - started), 0.02))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
