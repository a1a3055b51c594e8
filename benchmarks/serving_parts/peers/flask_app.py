"""The usual tutorial: Flask under gunicorn with ultralytics; MODEL names the file."""

import os

import cv2
import numpy as np
from flask import Flask, jsonify, request
from ultralytics import YOLO

app = Flask(__name__)
model = YOLO(os.environ["MODEL"], task="detect")


@app.post("/detect")
def detect():  # noqa: D103
    content = request.files["image"].read()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    result = model(picture, verbose=False)[0]
    boxes = result.boxes
    return jsonify(
        boxes=boxes.xyxy.tolist(), scores=boxes.conf.tolist(), classes=boxes.cls.int().tolist()
    )
