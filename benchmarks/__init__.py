"""How fast the method runs here and what memory it takes: `python -m benchmarks --help`."""
