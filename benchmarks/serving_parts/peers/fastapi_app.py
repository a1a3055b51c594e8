"""FastAPI and ONNX Runtime as in the usual tutorials: one session, endpoints in its thread pool."""

import os

import onnxruntime
from fastapi import FastAPI, UploadFile
from plain_onnx import boxes_of, prepared

app = FastAPI()
session = onnxruntime.InferenceSession(os.environ["MODEL"], providers=["CPUExecutionProvider"])
given = session.get_inputs()[0]


@app.post("/detect")
def detect(image: UploadFile):  # noqa: D103
    blob, gain, border = prepared(image.file.read(), *given.shape[2:])
    return boxes_of(session.run(None, {given.name: blob})[0], gain, border)
