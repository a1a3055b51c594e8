"""Nothing reports home: a plant's gateways tell nobody that they exist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_engine_writes_no_device_id(example: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    model = example / "models" / "brake-disc-v1.onnx"
    command = [sys.executable, "-m", "yolodeploy.serve.probe", str(model)]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert list(tmp_path.rglob("*")) == []
