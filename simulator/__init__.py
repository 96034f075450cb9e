"""Simulate a B2B company's years: its events as files, and beside them the truth that no measurement knows.

The same seed gives the same bytes on every machine. See docs/simulator.md.
"""

from simulator.agreements import agreements
from simulator.catalogue import CAMPAIGNS
from simulator.clock import START
from simulator.noise import Noise
from simulator.simulate import Summary, simulate

__all__ = ["CAMPAIGNS", "START", "Noise", "Summary", "agreements", "simulate"]
