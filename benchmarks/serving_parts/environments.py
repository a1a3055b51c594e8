"""Virtual environments of the peers, one each, made once and kept in the benchmark's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# torch first: without it ultralytics' own requirements would bring a CUDA build (FACTS)
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "flask": (
        ("torch==2.13.0",),
        ("--no-deps", "ultralytics==8.4.190"),
        ("flask", "gunicorn", "numpy", "opencv-python-headless", "pillow", "pyyaml", "matplotlib",
         "requests", "psutil", "polars", "onnx", "onnxslim", "onnxruntime", "openvino"),
    ),
    "fastapi": (("fastapi", "uvicorn[standard]", "python-multipart", "onnxruntime", "numpy",
                 "opencv-python-headless"),),
    "litserve": (("litserve", "python-multipart", "onnxruntime", "numpy",
                  "opencv-python-headless"),),
}  # fmt: skip
NAMED = (
    "flask",
    "gunicorn",
    "ultralytics",
    "torch",
    "fastapi",
    "litserve",
    "uvicorn",
    "starlette",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "numpy",
    "simplejpeg",
)

STUB = {
    "torchvision/__init__.py": '__version__ = "0.28.0"\nfrom . import ops\n',
    "torchvision/ops.py": (
        "def nms(boxes, scores, iou_threshold):\n"
        "    from ultralytics.utils.nms import TorchNMS\n"
        "    return TorchNMS.nms(boxes, scores, iou_threshold)\n"
    ),
    "torchvision-0.28.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n"
    ),
}


def python_of(folder: Path, name: str) -> str:
    """The interpreter of a peer's environment, which is made where it is missing."""
    home = folder / name
    done = home / "installed"
    if not done.exists():
        print(f"installing {name} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        for packages in STEPS[name]:
            subprocess.run([home / "bin/pip", "install", "-q", *packages], check=True)
        done.touch()
    return str(home / "bin/python")


def versions_of(python: str) -> str:
    """`flask 3.1.3, gunicorn 27.0.1, …` of what matters."""
    script = (
        "import importlib.metadata as m\n"
        f"for n in {NAMED!r}:\n"
        "    try: print(n, m.version(n))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    told = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    return ", ".join(told.stdout.splitlines())


def ultralytics_environment(folder: Path) -> dict[str, str]:
    """Variables with which ultralytics works without torchvision and without the network."""
    stub = folder / "stub"
    for name, content in STUB.items():
        path = stub / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    settings = folder / "settings"
    settings.mkdir(exist_ok=True)
    return {
        "PYTHONPATH": str(stub),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(settings),
        "MPLCONFIGDIR": str(settings),
    }
