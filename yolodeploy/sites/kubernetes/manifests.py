"""The YAML of `k3s/`, filled in: what is applied is what can be read there.

Only values are filled in, never text: nothing of a release can become YAML.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from yolodeploy.core import cluster
from yolodeploy.core.app_setup import AppSetup
from yolodeploy.core.beside import Way
from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import release_name
from yolodeploy.core.digests import digest_of
from yolodeploy.core.engines import CACHE_FOLDER
from yolodeploy.core.release import Release
from yolodeploy.sites.kubernetes import options
from yolodeploy.sites.kubernetes.egress import Outside, rules
from yolodeploy.sites.kubernetes.options import Scaler
from yolodeploy.sites.kubernetes.patching import patched

SAMPLE = "brake-disc"
"""The app of the files: wherever a value is this, the app's name goes."""

ENGINES = CACHE_FOLDER

Object = dict[str, Any]
SETTINGS_VOLUMES = ("site", "secrets")
_NONE = AppSetup()
_NOTHING = Outside()


class Manifests:
    """What an app's releases are made of; `folder` is `k3s/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def surroundings(
        self, app: str, setup: AppSetup = _NONE, reach: Outside = _NOTHING
    ) -> list[Object]:
        """What is the same for all releases of an app, in the order in which it is applied."""
        names = ("namespace", "serviceaccount", "networkpolicy", "service")
        namespace, account, policy, service = (self._filled("serve", name, app) for name in names)
        policy["spec"]["egress"] = rules(reach.places)
        found = [namespace, account, options.let_in(policy, setup), service]
        if reach.looks:
            found += [self._filled("serve/cameras", name, app) for name in ("role", "rolebinding")]
        if setup.engines == "claim":
            found.append(self._claim(app, setup))
        return found

    def options(self, app: str, setup: AppSetup, scaler: Scaler, replicas: int) -> list[Object]:
        """What an app's setup on the site adds to them."""
        return options.options(
            setup, lambda name: self._filled("serve/options", name, app), scaler, replicas
        )

    def config(self, release: Release, site: str, image: str, at: float) -> Object:
        """What the servers of a release are told, with the release itself: the site's history."""
        found: Object = self._filled("serve", "configmap", release.spec.app)
        told: Object = {"engine_cache": ENGINES} if cached(release) else {}
        told |= {
            "site": site,
            "app": release.spec.app,
            "release": release.digest,
            "model_digest": release.spec.model,
            "serving": msgspec.to_builtins(release.spec.serving),
            "vram_mb": release.spec.resources.vram_mb,
        }
        found["metadata"]["name"] = release_name(release.spec.app, release.digest)
        found["metadata"]["labels"][cluster.KIND] = "release"
        found["metadata"]["annotations"] = {
            cluster.RELEASE: release.digest,
            cluster.ALIAS: release.alias,
            cluster.IMAGE: image,
            cluster.AT: f"{at:.3f}",
        }
        found["data"] = {
            **{name: _told(text, told) for name, text in found["data"].items()},
            "release.json": msgspec.json.encode(release).decode(),
        }
        return found

    def deployment(
        self,
        release: Release,
        image: str,
        way: Switching,
        setup: AppSetup = _NONE,
        *,
        looks: bool = False,
        agrees: bool = True,
    ) -> Object:
        """The servers of a release; `looks`: at cameras, if it `agrees` with others who reads one.

        How many there are is left to whoever says it last.
        """
        found: Object = self._filled("serve", "deployment", release.spec.app)
        del found["spec"]["replicas"]
        found["spec"]["strategy"] = _strategy(way)
        made = self._of_release(found, release, image, setup, looks=looks and agrees)
        if looks and not agrees:
            _blind(made)
        return made

    def beside(
        self, release: Release, image: str, way: Way, replicas: int, setup: AppSetup = _NONE
    ) -> Object:
        """The servers of a release that is tried beside the one that serves."""
        app = release.spec.app
        found: Object = self._filled("serve", "deployment", app)
        patched(found, self._filled("serve/beside", "patch", app))
        found["spec"]["replicas"] = replicas
        if way is Way.CANARY:  # the app's Service finds them
            found["spec"]["template"]["metadata"]["labels"][cluster.NAME] = app
        return self._of_release(found, release, image, setup, looks=False)

    def service(self, app: str) -> Object:
        """The app's Service, whose traffic goes to the main servers."""
        found: Object = self._filled("serve", "service", app)
        return found

    def around_beside(self, app: str) -> list[Object]:
        """What those servers have of their own."""
        return [self._filled("serve/beside", name, app) for name in ("networkpolicy", "service")]

    def _of_release(
        self, found: Object, release: Release, image: str, setup: AppSetup, *, looks: bool
    ) -> Object:
        """A Deployment with what a release asks for filled in."""
        wanted = release.spec.resources
        for part in self._parts(release, setup, looks=looks):
            patched(found, part)
        notes = {cluster.RELEASE: release.digest, cluster.ALIAS: release.alias}
        template = found["spec"]["template"]
        found["metadata"]["annotations"] = dict(notes)
        template["metadata"]["annotations"] = dict(notes)
        if wanted.vram_mb:
            template["metadata"]["annotations"][cluster.VRAM] = str(wanted.vram_mb)
        pod = template["spec"]
        (server,) = pod["containers"]
        server["image"] = image
        amounts = {"cpu": f"{wanted.cpu_millis}m", "memory": f"{wanted.memory_mb}Mi"}
        if wanted.gpus:
            amounts[wanted.gpu_resource] = str(wanted.gpus)
        server["resources"] = {"requests": dict(amounts), "limits": dict(amounts)}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        config = volumes["config"]["configMap"]
        config["name"] = release_name(release.spec.app, release.digest)
        config.setdefault("items", [{"key": "serve.json", "path": "serve.json"}])
        if "engines" in volumes and setup.engines != "claim":
            del volumes["engines"]["persistentVolumeClaim"]
            volumes["engines"]["emptyDir"] = {"sizeLimit": "4Gi"}
        return found

    def _parts(self, release: Release, setup: AppSetup, *, looks: bool) -> list[list[Object]]:
        """The patches that a release and its setup ask for."""
        asked = {"gpu": bool(release.spec.resources.gpus), "spot": setup.spot,
                 "engines": cached(release), "cameras": looks}  # fmt: skip
        return [
            self._filled(f"serve/{name}", "patch", release.spec.app)
            for name, wanted in asked.items()
            if wanted
        ]

    def _claim(self, app: str, setup: AppSetup) -> Object:
        found: Object = self._filled("serve/engines", "claim", app)
        if setup.storage_class:
            found["spec"]["storageClassName"] = setup.storage_class
        if setup.shared:
            found["spec"]["accessModes"] = ["ReadWriteMany"]
        return found

    def guard(
        self, app: str, image: str, asking: int, left_out: Sequence[str], *, beside: bool = False
    ) -> list[Object]:
        """The guard of one trial, the last of them, and what it may do; not on nodes `left_out`."""
        names = ("serviceaccount", "role", "rolebinding", "job")
        *rights, job = [self._filled("guard", name, app) for name in names]
        if beside:
            rights += [self._filled("guard/beside", name, app) for name in names[1:3]]
        job["metadata"]["name"] = f"{cluster.GUARD}-{asking}"
        pod = job["spec"]["template"]["spec"]
        if left_out:
            terms = pod["affinity"]["nodeAffinity"]
            (term,) = terms["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
            term["matchExpressions"][0]["values"] = list(left_out)
        else:
            del pod["affinity"]
        (guard,) = pod["containers"]
        guard["image"] = image
        guard["args"] = ["--app", app, *(["--beside"] if beside else [])]
        guard["env"] = [{"name": cluster.GUARD_JOB, "value": str(asking)}]
        return [*rights, job]

    def prefetch(self, release_digest: str, app: str, image: str, node: str) -> Object:
        """The Job that brings an image to one node; whoever goes on finds it again by its name.

        Another node, another image or another file is another Job, for a Job does not change.
        """
        job: Object = self._filled("prefetch", "job", app)
        pod = job["spec"]["template"]["spec"]
        pod["nodeSelector"] = {"kubernetes.io/hostname": node}
        (container,) = pod["containers"]
        container["image"] = image
        told = msgspec.json.encode([release_digest, job["spec"]])
        job["metadata"]["name"] = f"yolodeploy-prefetch-{cluster.short_digest(digest_of(told))}"
        return job

    def part(self, folder: str, name: str, app: str) -> Object:
        """One file of `k3s/` with an app's name in it."""
        found: Object = self._filled(folder, name, app)
        return found

    def _filled(self, folder: str, name: str, app: str) -> Any:
        return _with_app(deepcopy(_read(self._folder / folder / f"{name}.yaml")), app)


def cached(release: Release) -> bool:
    """Whether its servers keep engines that took minutes to build."""
    return release.spec.serving.engine == "tensorrt"


def _blind(deployment: Object) -> None:
    """Take the site's settings out: an old server would look at every camera that they name."""
    template = deployment["spec"]["template"]
    for noted in (deployment, template):
        noted["metadata"]["annotations"][cluster.BLIND] = "true"
    pod = template["spec"]
    (server,) = pod["containers"]
    for part, name in ((pod, "volumes"), (server, "volumeMounts")):
        part[name] = [item for item in part[name] if item["name"] not in SETTINGS_VOLUMES]


def _strategy(way: Switching) -> Object:
    if way.strategy == "recreate":
        return {"type": "Recreate"}
    surge = way.at_once if way.strategy == "rolling" else 0
    rolling = {"maxSurge": surge, "maxUnavailable": 0 if surge else way.at_once}
    return {"type": "RollingUpdate", "rollingUpdate": rolling}


def _told(text: str, more: Object) -> str:
    """A server's configuration with more in it."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(text) | more)).decode()


@lru_cache
def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _with_app(value: Any, app: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_app(item, app) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_app(item, app) for item in value]
    return app if value == SAMPLE else value
