"""If these fail, two operators change one cluster at once, or one overwrites what is another's."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.kubernetes.double import Fault
from tests.kubernetes.parts import Bench
from tests.sites.parts import APP, until
from yolodeploy.core.cluster import Target
from yolodeploy.core.errors import Refused, Unreachable
from yolodeploy.core.release import Release
from yolodeploy.core.site import Intent
from yolodeploy.sites.kubernetes import records


def test_who_has_it_is_told_and_for_how_long(bench: Bench) -> None:
    first = bench.site.claim("ann", 60.0)
    assert bench.site.claim("ann", 600.0) == first
    with pytest.raises(Refused) as told:
        bench.site.claim("bob", 60.0)
    assert told.value.fields["holder"] == "ann"
    assert 60 < int(told.value.fields["seconds"]) <= 600
    second = bench.site.claim("bob", 60.0, take_over=True)
    assert second.number > first.number
    lease = bench.site.observe().lease
    assert lease is not None
    assert lease.fence == second


def test_a_lease_that_ran_out_or_was_given_back_is_free(bench: Bench) -> None:
    ann = bench.site.claim("ann", 0.0)
    bob = until(lambda: bench.site.claim("bob", 60.0), "it ran out")
    bench.site.release_lease(ann)
    assert bench.site.observe().lease is not None, "it was not ann's any more"
    bench.site.release_lease(bob)
    assert bench.site.observe().lease is None
    assert bench.site.claim("ann", 60.0).number > bob.number > ann.number


def test_a_laptop_that_slept_changes_nothing(bench: Bench, v1: Release, v2: Release) -> None:
    ann = bench.commit(v1)
    bench.site.claim("bob", 60.0, take_over=True)
    with pytest.raises(Refused) as told:
        bench.site.apply(Intent(app=APP, release=v2), ann)
    assert told.value.code == "site.fenced"
    assert bench.settled(v1).release == v1


def test_a_write_that_was_on_its_way_does_not_land(bench: Bench, v1: Release, v2: Release) -> None:
    """She read the record and was stopped; he claimed the site; she goes on."""
    bench.commit(v1)
    hers = records.read(bench.site.connection, APP)
    assert hers is not None
    bench.site.claim("bob", 60.0, take_over=True)
    with pytest.raises(Refused) as told:
        records.write(bench.site.connection, hers.record, hers, Target(None))
    assert told.value.code == "kubernetes.changed"


LOST = {"late": Fault(504, b"{}", done=True), "cut": Fault(0, done=True)}


@pytest.mark.parametrize("name", LOST)
def test_nor_does_it_where_the_answer_to_the_claim_was_lost(
    name: str, bench: Bench, v1: Release
) -> None:
    """He claims it once more and has it already, so that nothing about that looks new."""
    bench.commit(v1)
    hers = records.read(bench.site.connection, APP)
    assert hers is not None
    lost = iter([LOST[name]])
    bench.double.fault = lambda method, path: next(lost, None) if method == "PUT" else None
    with suppress(Unreachable):
        bench.site.claim("bob", 60.0, take_over=True)
    assert next(lost, None) is None
    assert bench.site.claim("bob", 60.0).number > hers.record.fence
    with pytest.raises(Refused) as told:
        records.write(bench.site.connection, hers.record, hers, Target(None))
    assert told.value.code == "kubernetes.changed"


def test_a_field_that_somebody_edited_is_named_with_who_did(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    field = ".spec.minReadySeconds"
    bench.double.take_over(APP, APP, field, "kubectl-edit", 60)
    with pytest.raises(Refused) as told:
        bench.trial(v2, v1, 60.0, fence)
    assert told.value.code == "kubernetes.conflict"
    assert told.value.fields["manager"] == "kubectl-edit"
    assert field in told.value.fields["fields"]
    app = bench.settled(v1)
    assert app.release == v1, "nothing was begun"


def test_replicas_belong_to_whoever_says_them(bench: Bench, v1: Release, v2: Release) -> None:
    """An autoscaler would be set back at every release."""
    fence = bench.commit(v1)
    bench.double.take_over(APP, APP, ".spec.replicas", "kube-controller-manager", 3)
    until(lambda: len(bench.site.observe().instances) == 3, "there are three")
    bench.commit(v2, fence)
    assert [item.ready for item in bench.site.observe().instances] == [True] * 3


def test_a_namespace_of_somebody_else_is_left_alone(bench: Bench, v1: Release) -> None:
    bench.double.put("namespaces", "", APP, {"metadata": {"labels": {}}})
    fence = bench.site.claim("ann", 60.0)
    with pytest.raises(Refused) as told:
        bench.site.apply(Intent(app=APP, release=v1), fence)
    assert told.value.code == "kubernetes.not_ours"
    assert not bench.double.of("deployments")
