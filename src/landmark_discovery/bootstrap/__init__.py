"""The generic keypoints that self-training starts from."""
