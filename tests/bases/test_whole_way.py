"""If this fails, an image that is built here does not run there: base and runtime of a local Debian
root, server and model on top, through a registry, into docker and containerd, and an answer back.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bases.conftest import CA
from tests.cli.conftest import Run
from tests.registry.engine import Engine, containerd
from tests.registry.real import Registry, free_port
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
        re.search("licen[cs]e|copying|notice", str(f), re.I) for f in d.files or ())],
    "tools": [t for t in ("apt", "apt-get", "dpkg", "pip", "pip3", "gcc", "cc", "perl", "bash")
              if shutil.which(t)],
    "setuid": [f for f in glob.glob("/usr/*bin/*") if os.lstat(f).st_mode & 0o6000],
}))
"""


@pytest.fixture
def ctr(disk: Path) -> Any:
    folder = disk / "containerd"
    folder.mkdir()
    with containerd(folder) as found:
        yield found


@pytest.mark.slow
@pytest.mark.timeout(900)  # a Debian root, a hundred megabytes of wheels, four processes beside it
def test_what_is_built_here_answers_there(
    run: Run, home: Home, here: Engine, debian: Path, plain: Registry, ctr: Engine,
    example: Path, tmp_path: Path,
) -> None:  # fmt: skip
    words = ["--root", str(debian), "--network", "host", "--ca", str(CA), "--parts", ""]
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
    assert in_docker == by_containerd(ctr, reference, tmp_path, frame)
    assert in_docker
    without_a_network = ("run", "--rm", "--network=none", "--entrypoint=python")
    check_inside(json.loads(here(*without_a_network, reference, "-c", INSIDE)))


def by_docker(docker: Engine, reference: str, folder: Path, frame: bytes) -> list[Any]:
    docker("pull", "--quiet", reference)
    config, port = configured(folder / "docker.json")
    name = docker(
        "run", "--detach", "--network=host", "--read-only", "--cap-drop=ALL",
        "--security-opt=no-new-privileges", f"--tmpfs=/var/lib/yolodeploy:uid={USER},mode=0700",
        f"--volume={config}:/etc/yolodeploy/serve.json:ro", reference,
    )  # fmt: skip
    try:
        boxes = answered(port, frame, lambda: docker("logs", name))
        check_rights(int(docker("inspect", "--format={{.State.Pid}}", name)))
    finally:
        docker("rm", "--force", name)
    return boxes


def by_containerd(ctr: Engine, reference: str, folder: Path, frame: bytes) -> list[Any]:
    ctr("images", "pull", "--plain-http", reference)
    config, port = configured(folder / "containerd.json")
    state = "type=tmpfs,src=tmpfs,dst=/var/lib/yolodeploy,options=mode=0700:uid=65532"
    dropped = [f"--cap-drop=CAP_{name}" for name in DEFAULT_CAPABILITIES]
    ctr(
        "run", "--detach", "--net-host", "--read-only", *dropped, f"--mount={state}",
        f"--mount=type=bind,src={config},dst=/etc/yolodeploy/serve.json,options=rbind:ro",
        reference, "disc",
    )  # fmt: skip
    try:
        boxes = answered(port, frame, lambda: ctr("tasks", "ls"))
        [line] = ctr("tasks", "ls").splitlines()[1:]
        check_rights(int(line.split()[1]))
    finally:
        ctr("tasks", "kill", "--signal=SIGKILL", "disc")
        wait_for(lambda: "RUNNING" not in ctr("tasks", "ls"))
        ctr("tasks", "rm", "disc")
        ctr("containers", "rm", "disc")
    return boxes


DEFAULT_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
    "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip


def configured(path: Path) -> tuple[Path, int]:
    """What the server is told; both ports are free ones of this machine."""
    port = free_port()
    told = {
        "model": "/opt/yolodeploy/model/model.onnx", "state_dir": "/var/lib/yolodeploy",
        "host": "127.0.0.1", "port": port, "instance_port": free_port(), "app": "disc",
        "release": "", "serving": {"conf": 0.25, "threads": 1},
    }  # fmt: skip
    path.write_text(json.dumps(told))
    path.chmod(0o644)  # the account in the container is nobody here
    for parent in list(path.parents)[:4]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return path, port


def answered(port: int, frame: bytes, told: Callable[[], str]) -> list[Any]:
    """The boxes, once the server takes part in its port: it does when the model has answered."""
    deadline = time.monotonic() + READY_S
    request = urllib.request.Request(f"http://127.0.0.1:{port}/detect", data=frame)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                boxes: list[Any] = json.load(answer)["boxes"]
                return boxes
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, told()
            time.sleep(0.1)


def check_rights(pid: int) -> None:
    """Of a process as the kernel sees it: nobody's account, no capability, a read-only root."""
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    assert status["Uid"].split() == [USER] * 4
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    mounts = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    [root] = [line.split()[3] for line in mounts if line.split()[1] == "/"]
    assert root.split(",")[0] == "ro"


def check_inside(told: dict[str, list[str]]) -> None:
    assert {"libc6", "python3", "ca-certificates"} <= set(told["debs"])
    assert {"onnxruntime", "numpy", "uvicorn"} <= set(told["wheels"])
    assert told["bare_debs"] == []
    assert told["bare_wheels"] == []
    assert told["tools"] == []
    assert told["setuid"] == []


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
