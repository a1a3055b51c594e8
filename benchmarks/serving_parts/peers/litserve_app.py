"""LitServe with ONNX Runtime; arguments: MODEL PORT WORKERS."""

import os
import sys

import litserve
import onnxruntime
from plain_onnx import boxes_of, prepared


class Detector(litserve.LitAPI):
    """Its four steps."""

    def setup(self, device):
        """Load: with several workers one thread each, as its documentation advises."""
        options = onnxruntime.SessionOptions()
        if WORKERS > 1:
            options.intra_op_num_threads = max(1, len(os.sched_getaffinity(0)) // WORKERS)
        self.session = onnxruntime.InferenceSession(
            MODEL, options, providers=["CPUExecutionProvider"]
        )
        self.given = self.session.get_inputs()[0]

    def decode_request(self, request):
        """From the form."""
        return prepared(request["image"].file.read(), *self.given.shape[2:])

    def predict(self, x):
        """Infer."""
        blob, gain, border = x
        return self.session.run(None, {self.given.name: blob})[0], gain, border

    def encode_response(self, output):
        """Suppress."""
        return boxes_of(*output)


MODEL, WORKERS = sys.argv[1], int(sys.argv[3])

if __name__ == "__main__":
    server = litserve.LitServer(
        Detector(api_path="/detect"), accelerator="cpu", workers_per_device=WORKERS, timeout=600
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
