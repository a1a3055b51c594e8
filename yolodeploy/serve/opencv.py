"""OpenCV, set up; every module here takes `cv2` from this one.

OpenCV reads its settings once, when it is loaded.
"""

from __future__ import annotations

import os

LARGEST_PICTURE = 50_000_000  # pixels: 150 MB once decoded

# the limit holds also where a file's header and what its decoder finds later differ
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(LARGEST_PICTURE)
# a broken picture is the sender's news, not five lines of our log
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import cv2  # noqa: E402

cv2.setNumThreads(1)  # the workers are the parallelism

__all__ = ["LARGEST_PICTURE", "cv2"]
