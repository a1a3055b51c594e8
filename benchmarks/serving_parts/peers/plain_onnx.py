"""What FastAPI's and LitServe's examples do around ONNX Runtime."""

import cv2
import numpy as np


def prepared(content, height, width):
    """A picture's blob, its gain and its border."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    gain = min(width / picture.shape[1], height / picture.shape[0])
    w, h = round(picture.shape[1] * gain), round(picture.shape[0] * gain)
    canvas = np.full((height, width, 3), 114, np.uint8)
    x, y = (width - w) // 2, (height - h) // 2
    canvas[y : y + h, x : x + w] = cv2.resize(picture, (w, h))
    blob = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255.0
    return np.ascontiguousarray(blob), gain, (x, y)


def boxes_of(output, gain, border):
    """Boxes, scores and classes after suppression."""
    rows = output[0].T
    scores = rows[:, 4:]
    kinds = scores.argmax(axis=1)
    best = scores[np.arange(len(rows)), kinds]
    keep = best > 0.25
    boxes, best, kinds = rows[keep, :4], best[keep], kinds[keep]
    corners = np.empty_like(boxes)
    corners[:, :2] = (boxes[:, :2] - boxes[:, 2:] / 2 - border) / gain
    corners[:, 2:] = boxes[:, 2:] / gain
    kept = cv2.dnn.NMSBoxesBatched(
        corners.tolist(), best.tolist(), kinds.astype(np.int32).tolist(), 0.25, 0.7
    )
    kept = np.asarray(kept, np.int64).reshape(-1)
    return {
        "boxes": corners[kept].tolist(),
        "scores": best[kept].tolist(),
        "classes": kinds[kept].tolist(),
    }
