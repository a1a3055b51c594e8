"""If this fails, an image that is built here does not run there: base and runtime of a local Debian
root, server and model on top, through a registry, into docker and containerd, and an answer back.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bases.conftest import CA
from tests.cli.conftest import Run
from tests.gateways.hosts import Gateway, gateways
from tests.ports import free_port
from tests.registry.engine import Engine
from tests.registry.real import Registry
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.home import Home

READY_S = 120.0
USER = "65532"

# said from inside: what is installed has its licence, what installs is gone
INSIDE = """
import glob, importlib.metadata as found, json, os, re, shutil
status = open("/var/lib/dpkg/status").read()
debs = re.findall(r"^Package: (.*)\\n(?:.+\\n)*?Status: install ok installed", status, re.M)
wheels = [d for d in found.distributions()]
print(json.dumps({
    "debs": debs,
    "bare_debs": [d for d in debs if not os.path.exists(f"/usr/share/doc/{d}/copyright")],
    "wheels": [d.name for d in wheels],
    "bare_wheels": [d.name for d in wheels if not any(
        re.search("licen[cs]e|copying|notice", str(f), re.I) for f in d.files or ())
        and not ("Apache" in str(d.metadata["License"])
                 and os.path.exists("/usr/share/common-licenses/Apache-2.0"))],
    "tools": [t for t in ("apt", "apt-get", "dpkg", "pip", "pip3", "gcc", "cc", "perl", "bash")
              if shutil.which(t)],
    "setuid": [f for f in glob.glob("/usr/*bin/*") if os.lstat(f).st_mode & 0o6000],
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)  # a Debian root, a hundred megabytes of wheels, four processes beside it
def test_what_is_built_here_answers_there(
    run: Run, home: Home, here: Engine, debian: Path, plain: Registry, example: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    # gzip, for Debian 12 has Docker 20.10
    words = ["--root", str(debian), "--network", "host", "--ca", str(CA), "--parts", ""]
    words += ["--compression", "gzip"]
    built = run("image", "build-base", "cpu", *words, "-o", "json")
    assert built.code == 0, built.err
    assert [layer["layer"] for layer in json.loads(built.out)] == ["base", "runtime"]
    assert not here("images", "--quiet", "--filter", "reference=yolodeploy.invalid/*")

    assert run("model", "add", str(example / "models" / "brake-disc-v1.onnx")).code == 0
    image = run("image", "build", "brake-disc-v1", "--base", "cpu", "--name", "disc:v1")
    assert image.code == 0, image.err
    layers = Layout(home.layout).read_manifest(Layout(home.layout).find("disc:v1").digest).layers
    kinds = [layer.annotations["io.yolodeploy.layer"] for layer in layers]
    assert kinds == ["base", "runtime", "server", "model"]
    pushed = run("image", "push", "disc:v1", f"{plain.host}/plant/disc:v1", "-o", "json")
    assert pushed.code == 0, pushed.err
    reference = f"{plain.host}/plant/disc@{json.loads(pushed.out)[0]['image']}"

    frame = (example / "frames" / "disc-001.jpg").read_bytes()
    in_docker = by_docker(here, reference, tmp_path, frame)
    with gateways(1) as [gateway]:
        assert in_docker == by_containerd(gateway, plain, reference, frame)
    assert in_docker
    without_a_network = ("run", "--rm", "--network=none", "--entrypoint=python")
    check_inside(json.loads(here(*without_a_network, reference, "-c", INSIDE)))


def by_docker(docker: Engine, reference: str, folder: Path, frame: bytes) -> list[Any]:
    docker("pull", "--quiet", reference)
    port, file = free_port(), folder / "serve.json"
    file.write_text(configuration("127.0.0.1", port, free_port()))
    for path in (file, *list(file.parents)[:4]):
        path.chmod(path.stat().st_mode | 0o055)  # the account in the container is nobody here
    name = docker(
        "run", "--detach", "--network=host", "--read-only", "--cap-drop=ALL",
        "--security-opt=no-new-privileges", f"--tmpfs=/var/lib/yolodeploy:uid={USER},mode=0700",
        f"--volume={file}:/etc/yolodeploy/serve.json:ro", reference,
    )  # fmt: skip
    try:
        boxes = answered(f"127.0.0.1:{port}", frame, lambda: docker("logs", name))
        pid = docker("inspect", "--format={{.State.Pid}}", name)
        check_rights(*(Path(f"/proc/{pid}/{file}").read_text() for file in ("status", "mounts")))
    finally:
        docker("rm", "--force", name)
    return boxes


def by_containerd(gateway: Gateway, plain: Registry, reference: str, frame: bytes) -> list[Any]:
    """What k3s runs containers with, on another host. It reaches the registry through a tunnel."""
    with tunnel(gateway, plain.host):
        gateway(f"ctr images pull --plain-http {reference}")
    told = configuration("0.0.0.0", 8000, 8001)
    gateway(f"umask 022; cat >/root/serve.json <<'END'\n{told}\nEND")
    dropped = " ".join(f"--cap-drop=CAP_{name}" for name in CAPABILITIES)
    state = f"type=tmpfs,src=tmpfs,dst=/var/lib/yolodeploy,options=mode=0700:uid={USER}"
    config = "type=bind,src=/root/serve.json,dst=/etc/yolodeploy/serve.json,options=rbind:ro"
    gateway(
        f"ctr run --detach --net-host --read-only {dropped} --mount={state} --mount={config}"
        f" {reference} disc </dev/null >/root/said 2>&1"
    )
    boxes = answered(f"{gateway.address}:8000", frame, lambda: gateway("cat /root/said"))
    pid = gateway("ctr tasks ls").splitlines()[1].split()[1]
    check_rights(gateway(f"cat /proc/{pid}/status"), gateway(f"cat /proc/{pid}/mounts"))
    return boxes


# what ctr gives a container unless it is told not to
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
    "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip


@contextmanager
def tunnel(gateway: Gateway, host: str) -> Iterator[None]:
    """A port of this machine's loopback, under the same address on a gateway."""
    process = subprocess.Popen(
        ["ssh", "-i", gateway.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
         "-oLogLevel=ERROR", "-oExitOnForwardFailure=yes", f"-R{host}:{host}", gateway.root,
         "echo there; cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        yield
    finally:
        process.communicate(timeout=300)


def configuration(host: str, port: int, instance_port: int) -> str:
    """What the server is told."""
    told = {
        "model": "/opt/yolodeploy/model/model.onnx", "state_dir": "/var/lib/yolodeploy",
        "host": host, "port": port, "instance_port": instance_port, "app": "disc",
        "release": "", "serving": {"conf": 0.25, "threads": 1},
    }  # fmt: skip
    return json.dumps(told)


def answered(address: str, frame: bytes, told: Callable[[], str]) -> list[Any]:
    """The boxes, once the server takes part in its port: it does when the model has answered."""
    deadline = time.monotonic() + READY_S
    request = urllib.request.Request(f"http://{address}/detect", data=frame)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(request, timeout=30) as answer:
                boxes: list[Any] = json.load(answer)["boxes"]
                return boxes
        except OSError:  # one that was let in and not answered, too
            assert time.monotonic() < deadline, told()
            time.sleep(0.1)


def check_rights(status: str, mounts: str) -> None:
    """As the kernel sees them: nobody's account, no capability, a read-only root."""
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert fields["Uid"].split() == [USER] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    [root] = [line.split()[3] for line in mounts.splitlines() if line.split()[1] == "/"]
    assert root.split(",")[0] == "ro"


def check_inside(told: dict[str, list[str]]) -> None:
    assert {"libc6", "python3", "ca-certificates"} <= set(told["debs"])
    assert {"onnxruntime", "numpy", "uvicorn"} <= set(told["wheels"])
    assert told["bare_debs"] == []
    assert told["bare_wheels"] == []
    assert told["tools"] == []
    assert told["setuid"] == []
