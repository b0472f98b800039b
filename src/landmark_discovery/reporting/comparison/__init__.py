"""Several runs beside each other: one table, overlaid curves, and what differs."""
