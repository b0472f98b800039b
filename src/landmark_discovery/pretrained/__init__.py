"""The authors' pretrained files, read safely and converted to our weights."""
