"""An invented company's story, part by part, as the simulator plays it before anything is written."""

from __future__ import annotations

from simulator.story import Story, tell

__all__ = ["Story", "story_of"]

story_of = tell
