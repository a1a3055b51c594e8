"""One consumer a camera over the pods of an app: who reads it holds a Lease, `camera-NAME`.

No clock of another machine counts: a Lease is over when it was not seen to change for its length,
and its holder stops before that, by its own clock.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.cluster import OURS, PART_OF, PLACE, camera_lease
from yolodeploy.core.errors import Unreachable
from yolodeploy.core.text import one_line
from yolodeploy.serve.cluster_api import Api, Refusal, address

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE_S = 30
RENEW_S = 5.0
SPARE_S = 6.0  # frames in work are handed over in 4 s
AGAIN_S = 1.0
NOTE_S = 2.0  # a Lease is not written more often for how far a file was read
LIMIT_S = 4.0  # a call
LONGEST_S = 300  # what another version may say of a Lease's length
AT_ONCE = 4
CHANGED = 409
LEASES = "/apis/coordination.k8s.io/v1/namespaces"
AGENT = "yolodeploy-server"

Obj = dict[str, Any]

logger = logging.getLogger(__name__)


class Seen(NamedTuple):
    """A Lease as it was when it was seen to change, at `at_s` of our clock."""

    holder: str
    renewed: str
    seconds: int
    at_s: float

    def free_for(self, who: str, now_s: float) -> bool:
        """Whether `who` may take it: given back, our own, or not renewed for its length."""
        return self.holder in ("", who) or now_s - self.at_s > self.seconds


def seen(lease: Obj, before: Seen | None, now_s: float) -> Seen:
    """A Lease as it was read now; the moment stays where nothing has changed since `before`."""
    spec = lease.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    told = spec.get("leaseDurationSeconds")
    seconds = min(max(told, LEASE_S), LONGEST_S) if isinstance(told, int) else LEASE_S
    found = Seen(str(spec.get("holderIdentity") or ""), str(spec.get("renewTime")), seconds, now_s)
    same = before is not None and found._replace(at_s=before.at_s) == before
    return before if same and before is not None else found


class Leases:
    """How the server of one pod asks for Leases."""

    def __init__(self, account: Path) -> None:
        self._account = account
        self._api = Api(address(), account, AGENT, LIMIT_S)
        self._threads = ThreadPoolExecutor(AT_ONCE, "leases")

    def claim(self, camera: str, lost: Callable[[], None]) -> LeaseClaim:
        """One camera's; `lost` is called on the event loop when it is somebody else's."""
        return LeaseClaim(self, camera, lost)

    async def me(self) -> tuple[str, str]:
        """The pod's namespace and name.

        Raises:
            Unreachable: `camera.agreement`, it has no account.
        """
        return await asyncio.to_thread(self._me)

    async def send(self, method: str, path: str, body: Obj | None = None) -> Obj:
        """One request.

        Raises:
            Refusal: The API server says no.
            Unreachable: `camera.agreement`, it does not answer.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._api.send, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            reason = one_line(str(error), 160)
            raise Unreachable("camera.agreement", reason=reason) from error

    def _me(self) -> tuple[str, str]:
        try:
            if not (self._account / "token").is_file():
                raise FileNotFoundError(2, "this pod has no account")
            names = [(self._account / name).read_text().strip() for name in ("namespace", "name")]
        except OSError as error:
            raise Unreachable("camera.agreement", reason=error.strerror or error) from error
        return names[0], names[1]


class LeaseClaim:
    """One camera's Lease. To be used on the event loop, and released."""

    def __init__(self, leases: Leases, camera: str, lost: Callable[[], None]) -> None:
        self._leases = leases
        self._camera = camera
        self._lost = lost
        self._seen: Seen | None = None
        self._lease: Obj = {}
        self._until_s = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self._noted = asyncio.Event()
        self.place = ""

    @property
    def held(self) -> bool:
        """Whether it is ours: never later than anybody else could take it."""
        return now_s() < self._until_s

    def note(self, place: str) -> None:
        """Keep how far it was read: it is written with the next renewal, at most 2 s from now."""
        if place != self.place:
            self.place = place
            self._noted.set()

    async def take(self) -> bool:
        """Take it where nobody has it; whether that went well.

        Raises:
            Unreachable: `camera.agreement`.
        """
        space, who = await self._leases.me()
        path = f"{LEASES}/{space}/leases"
        try:
            found = await self._read(f"{path}/{camera_lease(self._camera)}")
            if found is None:
                asked_s = now_s()
                made = await self._leases.send("POST", path, self._new(space, who))
                return self._is_ours(made, who, asked_s)
            self._seen = seen(found, self._seen, now_s())
            if not self._seen.free_for(who, now_s()):
                return False
            self.place = _place(found)
            return await self._write(found, who)
        except Refusal as refused:
            if refused.status == CHANGED:  # another was quicker
                return False
            raise _no_agreement(refused) from refused

    async def wait(self) -> None:
        """Until it is ours.

        Raises:
            Unreachable: `camera.agreement`.
        """
        while not await self.take():
            await asyncio.sleep(AGAIN_S)

    async def release(self) -> None:
        """Give it back, so that the next need not wait for its end."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
            self._renewing = None
        held, self._until_s = self.held, 0.0
        if held:
            try:
                async with asyncio.timeout(LIMIT_S):
                    await self._give_back()
            except (Refusal, Unreachable, TimeoutError):
                return  # it ends by itself

    # inside ----------------------------------------------------------------------------------

    async def _give_back(self) -> None:
        holder = seen(self._lease, None, 0.0).holder
        try:
            await self._put(self._lease, "")
        except Refusal as refused:
            if refused.status != CHANGED:
                raise
            # a renewal was on its way
            found = await self._read(self._path())
            if found is not None and seen(found, None, 0.0).holder == holder:
                await self._put(found, "")

    def _path(self) -> str:
        meta = self._lease["metadata"]
        return f"{LEASES}/{meta['namespace']}/leases/{meta['name']}"

    async def _read(self, path: str) -> Obj | None:
        try:
            return await self._leases.send("GET", path)
        except Refusal as refused:
            if refused.status == http.client.NOT_FOUND:
                return None
            raise

    async def _write(self, lease: Obj, who: str) -> bool:
        asked_s = now_s()
        return self._is_ours(await self._put(lease, who), who, asked_s)

    async def _put(self, lease: Obj, who: str) -> Obj:
        """Write it down as `who`'s, or as nobody's."""
        spec = lease.get("spec")
        before = dict(spec) if isinstance(spec, dict) else {}
        now = _stamp()
        changed = before.get("holderIdentity") != who
        after = before | {"holderIdentity": who, "renewTime": now, "leaseDurationSeconds": LEASE_S}
        if changed and who:
            after |= {"acquireTime": now, "leaseTransitions": _count(before) + 1}
        meta = lease["metadata"]
        path = f"{LEASES}/{meta['namespace']}/leases/{meta['name']}"
        self._noted.clear()
        body = lease | {"spec": after, "metadata": _with_place(meta, self.place)}
        return await self._leases.send("PUT", path, body)

    def _is_ours(self, lease: Obj, who: str, asked_s: float) -> bool:
        # its length counts from before it was asked for: others saw the change later
        self._lease, self._until_s = lease, asked_s + LEASE_S - SPARE_S
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(who), name=f"lease {self._camera}")
        return True

    async def _renew(self, who: str) -> None:
        """Keep it; who cannot stops in time."""
        try:
            await self._keep(who)
        # a mistake of ours: what is no longer renewed is not read either
        except Exception:
            logger.exception("lease of camera %s: a mistake", self._camera)
        self._until_s = 0.0
        self._lost()

    async def _keep(self, who: str) -> None:
        """Renew it again and again, as long as that goes."""
        pause_s = RENEW_S
        while True:
            await self._pause(min(pause_s, max(self._until_s - now_s(), 0.0)))
            if not self.held:
                return
            try:
                async with asyncio.timeout(max(self._until_s - now_s(), 0.0)):
                    pause_s = RENEW_S if await self._again(who) else 0.0
            except (Unreachable, TimeoutError):
                pause_s = AGAIN_S
            if not pause_s:
                return

    async def _pause(self, seconds: float) -> None:
        """Less than `seconds` where there is a place to note."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(NOTE_S)
                await self._noted.wait()
        except TimeoutError:
            return

    async def _again(self, who: str) -> bool:
        """Renew it once; False where it is somebody else's.

        Raises:
            Unreachable: `camera.agreement`, that cannot be told now.
        """
        try:
            return await self._write(self._lease, who)
        except Refusal as refused:
            if refused.status not in (CHANGED, http.client.NOT_FOUND):
                raise _no_agreement(refused) from refused
        try:
            found = await self._read(self._path())
        except Refusal as refused:
            raise _no_agreement(refused) from refused
        if found is None or seen(found, None, 0.0).holder != who:
            return False
        self._lease = found  # somebody wrote a note on it
        self._noted.set()
        return True

    def _new(self, space: str, who: str) -> Obj:
        now = _stamp()
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": _with_place(
                {"name": camera_lease(self._camera), "namespace": space, "labels": {PART_OF: OURS}},
                self.place,
            ),
            "spec": {
                "holderIdentity": who, "acquireTime": now, "renewTime": now,
                "leaseDurationSeconds": LEASE_S, "leaseTransitions": 0,
            },
        }  # fmt: skip


def now_s() -> float:
    """Our clock: it goes on while the machine sleeps, as those of others do."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _place(lease: Obj) -> str:
    """How far whoever had it says that it was read: anybody may have written that."""
    notes = lease["metadata"].get("annotations")
    found = notes.get(PLACE) if isinstance(notes, dict) else None
    return found if isinstance(found, str) else ""


def _with_place(meta: Obj, place: str) -> Obj:
    notes = meta.get("annotations")
    others = {key: value for key, value in (notes or {}).items() if key != PLACE}
    return meta | {"annotations": others | ({PLACE: place} if place else {})}


def _count(spec: Obj) -> int:
    found = spec.get("leaseTransitions")
    return found if isinstance(found, int) and 0 <= found < 1 << 30 else 0


def _stamp() -> str:
    """To be read by people; nobody compares it with a clock."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _no_agreement(refused: Refusal) -> Unreachable:
    return Unreachable("camera.agreement", reason=one_line(str(refused), 160))
