"""TensorRT engines on one cluster: brought or built before a switch, or announced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec

from yolodeploy.core.capacity import Switching
from yolodeploy.core.engines import Device, KeeperTold, Offer, suiting
from yolodeploy.core.errors import Refused, Unreachable, YolodeployError
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.sentences import Sentence, brief, sentence
from yolodeploy.sites.engine_sources import Source, Sources
from yolodeploy.sites.kubernetes import engine_offers, records
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.engine_jobs import Keeper, build_job, built, keeper_job
from yolodeploy.sites.kubernetes.engine_offers import Told
from yolodeploy.sites.kubernetes.engine_outlook import (
    Outlook,
    at_start,
    devices_of,
    for_any_of,
    has_free_gpu,
    hostname,
    serving,
    why_none,
    why_unknown,
)
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.manifests import Manifests
from yolodeploy.sites.kubernetes.paths import place_of
from yolodeploy.sites.kubernetes.seen import Seen
from yolodeploy.sites.kubernetes.setups import Setups

MOST_OFFERED = 8
STORE = "this machine"
SENT_AGAIN = 3
"""How often a piece is sent that did not arrive; then the step waits for the link."""


class Engines:
    """The engines of one cluster's apps.

    `sources` None: this machine looks nowhere else. `knows` tells whether the server in an image
    can take engines in.
    """

    def __init__(
        self,
        connection: Connection,
        seen: Seen,
        setups: Setups,
        fitting: Fitting,
        manifests: Manifests,
        sources: Sources | None,
        knows: Callable[[str], bool],
    ) -> None:
        self._connection = connection
        self._seen = seen
        self._setups = setups
        self._fitting = fitting
        self._manifests = manifests
        self._sources = sources
        self._knows = knows

    def offered(self, app: str) -> list[Source]:
        """What others can have of an app."""
        told = engine_offers.asked(self._connection, app, self._seen.pods(app))
        return engine_offers.sources(self._connection, app, told)

    def switching(self, spec: ReleaseSpec) -> Switching:
        """How the site would go to a release, with what its engine adds to that."""
        if spec.serving.engine != "tensorrt":
            return self._fitting.switching(spec)
        outlook = self._outlook(spec)
        way = self._fitting.switching(spec, outlook.build_s)
        if outlook.way == "in-outage" and not self._hindrance(spec) and has_free_gpu(spec, way):
            way = self._fitting.switching(spec, 0.0)
            outlook = Outlook("built-before", sentence("engine.before"))
        return msgspec.structs.replace(way, engine=outlook.told)

    def bring(self, spec: ReleaseSpec, image: str, config: Callable[[], str]) -> Sentence | None:
        """Have the engine of a release there before it is switched to; what came of it.

        `config` gives what the release's servers are told. Whatever fails leaves the engine to be
        built by the new pod, and is told.

        Raises:
            Unreachable: the cluster does not answer; the next try goes on.
        """
        if spec.serving.engine != "tensorrt":
            return None
        try:
            told = self._brought(spec, image, config)
        except Unreachable:
            raise
        except YolodeployError as error:
            told = sentence("engine.at_start", reason=brief(error))
        return sentence("engine.came", told=told)

    # looking ---------------------------------------------------------------------------------

    def _outlook(self, spec: ReleaseSpec) -> Outlook:
        told = engine_offers.asked(self._connection, spec.app, self._seen.pods(spec.app))
        kept = [engine for one in told for engine in one.engines.kept]
        nodes = self._fitting.candidates(spec)
        devices, unknown = devices_of(nodes, told)
        if why := self._hindrance(spec):
            return at_start(spec, kept, devices, why)
        if unknown or not devices:
            return at_start(spec, kept, devices, why_unknown(unknown))
        lacking = [device for device in devices if suiting(kept, spec, device) is None]
        if not lacking:
            return Outlook("there", sentence("engine.there"))
        offers = self._offers(spec, told, devices)
        elsewhere = [offer.engine for offer in offers]
        from_where = []
        for device in lacking:
            engine = suiting(elsewhere, spec, device)
            if engine is None:
                why = why_none(spec, device, elsewhere)
                return at_start(spec, [*kept, *elsewhere], devices, why)
            from_where += [offer.site for offer in offers if offer.engine is engine]
        sites = ", ".join(dict.fromkeys(from_where))
        return Outlook("brought", sentence("engine.brought", sites=sites))

    def _hindrance(self, spec: ReleaseSpec) -> Sentence | None:
        """Why nothing that is brought or built now is there when the release comes; or nothing."""
        if self._fitting.setup_for(spec.app, (Release(0, spec),)).engines != "claim":
            return sentence("engine.in_pods", app=spec.app)
        return None if self._knows(spec.image) else sentence("engine.takes_none")

    def _offers(
        self, spec: ReleaseSpec, told: Sequence[Told], devices: Sequence[Device]
    ) -> list[Source]:
        """Engines that servers of the release would ask for, on any GPU, the nearest first.

        Other sites are asked only where nothing near is certain to fit these GPUs.
        """
        sources = self._sources
        found: list[Source] = []
        if sources is not None:
            for one in sources.store.stored():
                read = _from_store(sources, one.engine.key)
                found.append(Source(one.source or STORE, one.engine, read))
        found += engine_offers.sources(self._connection, spec.app, told)
        near = [one.engine for one in found]
        if sources is not None and not all(suiting(near, spec, device) for device in devices):
            found += sources.elsewhere(spec.app, self._connection.site)
        return serving(found, spec)

    # bringing --------------------------------------------------------------------------------

    def _brought(self, spec: ReleaseSpec, image: str, config: Callable[[], str]) -> Sentence:
        if why := self._hindrance(spec):
            return sentence("engine.at_start", reason=why)
        told = engine_offers.asked(self._connection, spec.app, self._seen.pods(spec.app))
        nodes = self._fitting.candidates(spec)
        devices, unknown = devices_of(nodes, told)
        known = devices and not unknown
        kept = [engine for one in told for engine in one.engines.kept]
        if known and all(suiting(kept, spec, device) for device in devices):
            return sentence("engine.there")
        self._surround(spec)
        names = [hostname(node) for node in nodes]
        lacking = _Lacking(why_unknown(unknown))
        if known:
            lacking = self._fetched(spec, image, names, devices, told)
        why = lacking.why
        if why is None:
            return lacking.told
        if has_free_gpu(spec, self._fitting.switching(spec, 0.0)):
            why = built(self._connection, build_job(self._manifests, spec, image, names, config()))
        return sentence("engine.at_start", reason=why) if why else sentence("engine.was_before")

    def _fetched(
        self,
        spec: ReleaseSpec,
        image: str,
        nodes: Sequence[str],
        devices: Sequence[Device],
        told: Sequence[Told],
    ) -> _Lacking:
        """Bring what can be brought; what lacks then, and why."""
        offers = for_any_of(devices, self._offers(spec, told, devices))[:MOST_OFFERED]
        offer = Offer(engines=tuple(one.engine for one in offers), models=self._needed(spec))
        job = keeper_job(self._manifests, spec, image, nodes, offer)
        keeper = Keeper(self._connection, spec.app, job)
        try:
            lacking = self._filled(spec, devices, offers, keeper, keeper.begin())
        except Unreachable:
            raise  # it stays, with what is there, for the next try
        except YolodeployError as error:
            lacking = _Lacking(brief(error))
        keeper.end()
        return lacking

    def _filled(
        self,
        spec: ReleaseSpec,
        devices: Sequence[Device],
        offers: Sequence[Source],
        keeper: Keeper,
        now: KeeperTold,
    ) -> _Lacking:
        moved: list[Sentence] = []
        for device in devices:
            if suiting(now.kept, spec, device, now.software) is not None:
                continue
            engine = suiting((one.engine for one in offers), spec, device, now.software)
            if engine is None:
                return _Lacking(why_none(spec, device, [one.engine for one in offers], now))
            (source,) = (one for one in offers if one.engine is engine)
            self._carry(source, keeper)
            size = f"{engine.size_bytes:,}"
            moved.append(sentence("engine.brought_bytes", site=source.site, size=size))
        return _Lacking(None, _listed(moved)) if moved else _Lacking(None)

    def _carry(self, source: Source, keeper: Keeper) -> None:
        """One engine, whole: first to this machine, where its digests are checked, then there.

        Raises:
            Corrupt: `kubernetes.engine_differs`.
            Failed: `kubernetes.engine_store`, `kubernetes.engine_refused`,
                `kubernetes.engine_source`, the source does not answer.
            Unreachable: the cluster that it is brought to does not answer.
        """
        read = source.read
        if self._sources is not None:
            store = self._sources.store
            try:
                store.fetch(source.engine, source.site, source.read)
            except Unreachable as error:
                raise _source_away(source, error) from error
            read = _from_store(self._sources, source.engine.key)
        for file in source.engine.files:
            there = keeper.told().coming.get(f"{source.engine.key}/{file.name}", 0)
            while there < file.size_bytes:
                piece = read(file.name, there)[: file.size_bytes - there]
                there = _sent(keeper, source.engine.key, file.name, there, piece)

    def _surround(self, spec: ReleaseSpec) -> None:
        """The namespace, its account and the volume: what the two Jobs stand on."""
        app = spec.app
        self._setups.check_namespace(app)
        setup = self._fitting.setup_for(app, (Release(0, spec),))
        wanted = ("Namespace", "ServiceAccount", "PersistentVolumeClaim")
        for item in self._manifests.surroundings(app, setup):
            if item["kind"] in wanted:
                self._connection.apply(place_of(item), item)
        policy = self._manifests.part("engines", "networkpolicy", app)
        self._connection.apply(place_of(policy), policy)

    def _needed(self, spec: ReleaseSpec) -> tuple[str, ...]:
        """The models of the release, of what serves now and of what it would go back to."""
        kept = records.read(self._connection, spec.app)
        intent = kept.record.intent if kept else None
        releases = [intent.release, intent.previous] if intent else []
        current = next((one.digest for one in releases if one), "")
        # after a commit nothing says what was before, but for the releases that are kept
        earlier = [
            one for one in records.releases(self._connection, spec.app)
            if one.digest != current and one.spec.serving.engine == "tensorrt"
        ][:1]  # fmt: skip
        specs = [one.spec for one in (*releases, *earlier) if one]
        return tuple(dict.fromkeys([spec.model, *(one.model for one in specs)]))


class _Lacking(NamedTuple):
    why: Sentence | None
    told: Sentence = sentence("engine.there")


def _listed(told: Sequence[Sentence]) -> Sentence:
    """All of them as one, each once."""
    each = [one for number, one in enumerate(told) if one not in told[:number]]
    return reduce(lambda one, other: sentence("step.both", one=one, other=other), each)


def _from_store(sources: Sources, key: str) -> Callable[[str, int], bytes]:
    return lambda name, offset: sources.store.read(key, name, offset)


def _sent(keeper: Keeper, key: str, name: str, offset: int, piece: bytes) -> int:
    """A piece, sent again where the link broke: nobody knows then how much of it arrived."""
    for last in (False,) * (SENT_AGAIN - 1) + (True,):
        try:
            return keeper.send(key, name, offset, piece)
        except Unreachable:
            if last:
                raise
            there = keeper.told().coming.get(f"{key}/{name}", 0)
            if there != offset:
                return there
    raise AssertionError


def _source_away(source: Source, error: Unreachable) -> YolodeployError:
    return Refused("kubernetes.engine_source", site=source.site, reason=brief(error))
