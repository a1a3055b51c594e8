"""yolodeploy: from a trained YOLO model to detections on every gateway."""

__version__ = "0.1.0"
