"""Measuring detectors of keypoints, all by the same rules."""
