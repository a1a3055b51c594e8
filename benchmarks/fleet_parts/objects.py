"""One cluster as its API shows it: an app on as many nodes as it has pods, whole objects.

Pods and nodes carry all that a kubelet and a server-side apply leave in them, not what we read.
"""

from __future__ import annotations

from typing import Any

import msgspec

from yolodeploy.core.capacity import Switching
from yolodeploy.core.cluster import Record
from yolodeploy.core.release import Release, ReleaseSpec
from yolodeploy.core.site import Intent
from yolodeploy.ops.shipped import shipped
from yolodeploy.sites.kubernetes.manifests import Manifests

APP = "brake-disc"
AT = "2026-11-26T03:00:00Z"
IMAGES_ON_A_NODE = 30
IMAGE = "registry.plant.local:5000/brake-disc"

Object = dict[str, Any]


def release(number: int = 1) -> Release:
    """A release that nobody built."""
    spec = ReleaseSpec(
        app=APP,
        image=f"sha256:{number:064x}",
        model=f"sha256:{number + 1000:064x}",
        classes=("crack", "pit"),
    )
    return Release(number, spec)


def deployment(pods: int) -> Object:
    """Of the shipped YAML, with what the API server adds."""
    wanted = release()
    image, way = f"{IMAGE}@{wanted.spec.image}", Switching("rolling")
    made = Manifests(shipped("k3s")).deployment(wanted, image, way)
    made["metadata"] |= {"resourceVersion": "7001", "generation": 3, "creationTimestamp": AT}
    made["metadata"]["managedFields"] = managed(made["spec"], "yolodeploy")
    made["spec"]["replicas"] = pods
    made["status"] = {"observedGeneration": 3, "replicas": pods, "readyReplicas": pods}
    return made


def pod(number: int, template: Object) -> Object:
    """A pod that runs, as its kubelet reports it."""
    name = f"{APP}-6d5f7c9b8d-{number:05}"
    spec = msgspec.json.decode(msgspec.json.encode(template["spec"]))
    (server,) = spec["containers"]
    spec |= {
        "nodeName": node_name(number),
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "enableServiceLinks": False,
        "tolerations": [
            {"key": f"node.kubernetes.io/{why}", "operator": "Exists", "effect": "NoExecute",
             "tolerationSeconds": 300}
            for why in ("not-ready", "unreachable")
        ],
    }  # fmt: skip
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": AT,
         "observedGeneration": 1}
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
                     "PodScheduled")
    ]  # fmt: skip
    container = {
        "name": server["name"], "image": server["image"], "imageID": server["image"],
        "containerID": f"containerd://{number:064x}", "lastState": {}, "ready": True,
        "restartCount": 0, "started": True, "state": {"running": {"startedAt": AT}},
        "resources": server["resources"], "allocatedResources": server["resources"]["requests"],
        "volumeMounts": server.get("volumeMounts", []),
    }  # fmt: skip
    status = {
        "phase": "Running", "startTime": AT, "hostIP": "10.0.0.9", "podIP": "10.42.0.9",
        "hostIPs": [{"ip": "10.0.0.9"}], "podIPs": [{"ip": "10.42.0.9"}], "qosClass": "Guaranteed",
        "observedGeneration": 1, "conditions": conditions, "containerStatuses": [container],
    }  # fmt: skip
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{APP}-6d5f7c9b8d",
             "uid": uid(number), "controller": True, "blockOwnerDeletion": True}  # fmt: skip
    metadata = {
        "name": name, "namespace": APP, "generateName": f"{APP}-6d5f7c9b8d-", "uid": uid(number),
        "resourceVersion": str(7100 + number), "creationTimestamp": AT, "generation": 1,
        "labels": template["metadata"]["labels"] | {"pod-template-hash": "6d5f7c9b8d"},
        "annotations": template["metadata"]["annotations"], "ownerReferences": [owner],
        "managedFields": managed(spec, "kube-controller-manager") + managed(status, "k3s"),
    }  # fmt: skip
    return {"metadata": metadata, "spec": spec, "status": status}


def node(number: int) -> Object:
    """A gateway of k3s."""
    name = node_name(number)
    amounts = {
        "cpu": "8", "memory": "16384000Ki", "pods": "110", "ephemeral-storage": "100Gi",
        "nvidia.com/gpu": "1", "hugepages-2Mi": "0",
    }  # fmt: skip
    conditions = [
        {"type": kind, "status": "True" if kind == "Ready" else "False", "reason": f"Kubelet{kind}",
         "message": f"kubelet reports {kind}", "lastHeartbeatTime": AT, "lastTransitionTime": AT}
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    ]  # fmt: skip
    images = [
        {"names": [f"docker.io/library/part-{each}@sha256:{each:064x}",
                   f"docker.io/library/part-{each}:v1"], "sizeBytes": 10_000_000 + each}
        for each in range(IMAGES_ON_A_NODE)
    ]  # fmt: skip
    info = {
        "architecture": "amd64", "kernelVersion": "6.1.0-25-amd64", "osImage": "Debian 12",
        "kubeletVersion": "v1.36.1+k3s1", "containerRuntimeVersion": "containerd://2.1.4",
        "machineID": uid(number), "systemUUID": uid(number), "bootID": uid(number),
        "operatingSystem": "linux",
    }  # fmt: skip
    status = {
        "capacity": amounts, "allocatable": amounts, "conditions": conditions, "images": images,
        "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}], "nodeInfo": info,
    }  # fmt: skip
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "k3s",
    }  # fmt: skip
    metadata = {
        "name": name, "uid": uid(number), "resourceVersion": str(6000 + number), "labels": labels,
        "creationTimestamp": AT, "managedFields": managed(status, "k3s"),
    }  # fmt: skip
    return {"metadata": metadata, "spec": {"podCIDR": "10.42.0.0/24"}, "status": status}


def record() -> str:
    """What was asked for: the release, committed."""
    kept = Record(intent=Intent(app=APP, release=release()), asking=3, fence=3, settled=True)
    return msgspec.json.encode(kept).decode()


def node_name(number: int) -> str:
    """Gateway so and so."""
    return f"gateway-{number:03}"


def uid(number: int) -> str:
    """As the API gives them to objects."""
    return f"00000000-0000-4000-8000-{number:012x}"


def managed(value: Object, manager: str) -> list[Object]:
    """Who manages each field, as server-side apply notes it: about as long as the fields are."""

    def fields(item: Any) -> Object:
        if isinstance(item, dict):
            return {f"f:{key}": fields(each) for key, each in item.items()}
        return {}

    return [{"manager": manager, "operation": "Update", "apiVersion": "v1", "time": AT,
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields(value)}}]  # fmt: skip
