"""How much a frame carries: as much as the board takes, and less on a line that damages long frames."""

from __future__ import annotations

LEAST_BYTES = 64            #: every board takes so much
DAMAGED_IN_A_ROW = 2        #: sendings of one frame that fail before the next one is shorter
GOOD_IN_A_ROW = 32          #: frames that arrive at once before the next one is longer again


class FrameSize:
    """Bytes of payload; halves after repeated damage, and grows back.

    Attributes
    ----------
    now : int
        What the next frame may carry.
    """

    def __init__(self, most: int):
        self.now = self._most = most
        self._good = 0

    def arrived(self, failed: int) -> None:
        """A frame has arrived, after so many sendings that did not."""
        self._good = 0 if failed else self._good + 1
        if self._good == GOOD_IN_A_ROW:
            self.now, self._good = min(2 * self.now, self._most), 0

    def shorter(self, payload: int) -> bool:
        """Halve, so that a frame of `payload` bytes becomes shorter; False if it cannot."""
        self._good = 0
        while self.now >= payload and self.now > LEAST_BYTES:
            self.now = max(LEAST_BYTES, self.now // 2)
        return self.now < payload
