"""The demo company: invented people, the same every time, with a truth to compare against."""

from cdp.demo.stories import Telling, telling_merges
from cdp.demo.world import DemoWorld, generate

__all__ = ["DemoWorld", "Telling", "generate", "telling_merges"]
