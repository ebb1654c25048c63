"""Small spaces: networks of a few thousand weights."""

from __future__ import annotations

from firelane.boards.explore.space import Space

TINY = {"base": [8], "increment": [8], "pools": ["early"], "stem": ["3x3"], "input_size": [56]}
SMALL = Space({**TINY, "squeeze_ratio": [0.25, 0.5], "banks": [4], "taps": [1, 2], "activation_words": [64, 512]})
