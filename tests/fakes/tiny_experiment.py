"""Experiments of seconds, with all steps of the large ones."""

CONFIGURATION = """
experiment: tiny
device: cpu
num_landmarks: 4
dataset:
  synthetic: {train_identities: 8, test_identities: 4, images_per_identity: 2, image_size_px: 64}
model: {input_size_px: 64, width: 16, depth: 2, norm_groups: 2, descriptor_dim: 16}
clustering: {training_clusters: 8, iterations: 5, redos: 1}
stage1: {batch_pairs: 2, iterations: 6, warmup_iterations: 2, round_iterations: 2}
stage2: {batch_size: 4, iterations: 4}
evaluation: {repeats: 2}
report: {grid_images: 4, gallery_images: 2}
"""

# On the images of a folder `dataset`; how long its stages train is for each test to add. A network would find next to
# nothing in crops so small.
FOLDER_CONFIGURATION = """
device: cpu
num_landmarks: 3
dataset: {kind: folder, name: mine, path: dataset}
bootstrap: {detector: sift}
model: {input_size_px: 32, width: 16, depth: 1, norm_groups: 2, descriptor_dim: 8}
clustering: {training_clusters: 6, iterations: 5, redos: 1}
"""
