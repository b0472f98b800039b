"""The trained landmark detector for other programs: ONNX, and a web page that needs nothing else."""
