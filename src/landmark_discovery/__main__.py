"""Let `python -m landmark_discovery` be the command `landmarks`."""

from landmark_discovery.cli.main import main

main()
