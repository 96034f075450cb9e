"""The oracle of levels 3 to 5: figures.md as slow, exact, plain Python, written from its text alone."""
