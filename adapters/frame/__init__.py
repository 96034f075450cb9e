"""What every adapter stands on: its folder read, its settings checked, the source's tables found, its SELECTs turned into events."""
