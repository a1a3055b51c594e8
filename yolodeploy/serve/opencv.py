"""OpenCV, set up; every module here takes `cv2` from this one.

OpenCV reads its settings once, when it is loaded.
"""

from __future__ import annotations

import os

from yolodeploy.serve.picture_header import LARGEST_PICTURE

# the limit holds also where a file's header and what its decoder finds later differ
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(LARGEST_PICTURE)
# a broken picture is the sender's news, not five lines of our log
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import cv2

cv2.setNumThreads(1)  # the workers are the parallelism

__all__ = ["cv2"]
