"""Clusters for tests: doubles, and with `-m cluster` a real one that KUBECONFIG names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import Bench, release
from yolodeploy.core.release import Release
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.site import KubernetesSite


@pytest.fixture
def double() -> Iterator[Cluster]:
    """A cluster of one node without a GPU."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def connected(tmp_path: Path) -> Callable[[Cluster], Bench]:
    """A site on a cluster, as an operator has it."""

    def connect(cluster: Cluster) -> Bench:
        access = Access(cluster.kubeconfig(tmp_path / "kubeconfig"), "here")
        site = KubernetesSite(
            "plant", access, tmp_path / "images", shipped("k3s"), lambda digest: "edge.local/app"
        )
        return Bench(site, cluster)

    return connect


@pytest.fixture
def bench(double: Cluster, connected: Callable[[Cluster], Bench]) -> Bench:
    """A site that runs nothing yet."""
    return connected(double)


@pytest.fixture
def v1() -> Release:
    return release(1)


@pytest.fixture
def v2() -> Release:
    return release(2)


@pytest.fixture
def kubeconfig() -> Path:
    """Of a real cluster."""
    named = os.environ.get("KUBECONFIG", "")
    if not named:
        pytest.skip("KUBECONFIG names no cluster")
    return Path(named)


@pytest.fixture
def at_home(home: Home, double: Cluster, tmp_path: Path) -> Home:
    """A home whose only site is the double."""
    from yolodeploy.ops.adopt import adopt_cluster

    adopt_cluster(home, "plant", "here", double.kubeconfig(tmp_path / "kubeconfig"))
    return home
