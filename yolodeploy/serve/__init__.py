"""The inference server: one process that answers `POST /detect` for one model.

It runs inside images and in embedded sites and imports only `yolodeploy.core` of ours. Nothing
heavy may be imported here: `python -m yolodeploy.serve --help` answers without an engine.
"""

import os

# ONNX Runtime 1.29 and later writes a device id and reports home unless it finds this when it is
# first imported (microsoft/onnxruntime#27379); a gateway tells nobody anything
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
