"""The tables of `core`, `marts` and `ops`: how each is declared, built and published."""
