"""OpenCV as this package uses it: one thread for each call, warnings off, errors on.

Parallelism comes from several threads of ours, each with nets of its own; OpenCV's pool inside would only fight them.
OpenCV 5 warns on every net that "setPreferableTarget" has no effect; its errors stay visible.
"""

import cv2

cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

__all__ = ["cv2"]
