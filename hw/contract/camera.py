"""What a camera's frame is, which of its pixels are the engine's image, and what is said of it on the serial line."""

from dataclasses import dataclass, field

from amaranth.lib import enum

COLUMNS, LINES = 320, 240           #: of a frame, QVGA
PIXEL_BYTES = 2
TABLE_ENTRIES = 256
LUMA = (19595, 38470, 7471)     #: of red, green and blue, in 1/65536: what Pillow makes gray of
LUMA_SHIFT = 16
# Colour from luma and chroma, ITU-R BT.601, all of 0 .. 255 used, in 1/256:
RED_OF_V, GREEN_OF_U, GREEN_OF_V, BLUE_OF_U = 359, 88, 183, 454
COLOUR_SHIFT = 8
CHROMA_ZERO = 128


class PixelFormat(enum.Enum, shape=1):
    """Two bytes a pixel."""

    RGB565 = 0      #: red (5 bits), green (6), blue (5) from the highest bit on; the upper byte first
    YUV422 = 1      #: Y0 U Y1 V: two pixels share U and V


class ChannelOrder(enum.Enum, shape=2):
    """Bytes of a pixel on their way into the engine."""

    GRAY = 0
    RGB = 1
    BGR = 2


@dataclass(frozen=True, kw_only=True)
class CameraInput:
    """A camera's frame, and the engine's image in the middle of it.

    The image is every `step`-th pixel of every `step`-th line, with the largest `step` that the frame has room for.

    Parameters
    ----------
    columns, lines : int
        Pixels of a line and lines of a frame, as the camera sends them.
    format : PixelFormat
    width, height : int
        The engine's image.
    order : ChannelOrder
    tables : tuple of bytes
        For each channel, in `order`, the stored value for each value 0 .. 255 of a pixel; none: the pixel's own.

    Raises
    ------
    ValueError
        If the image is larger than the frame, or the tables do not belong to it.
    """

    columns: int = COLUMNS
    lines: int = LINES
    format: PixelFormat = PixelFormat.RGB565
    width: int
    height: int
    order: ChannelOrder = ChannelOrder.RGB
    tables: tuple[bytes, ...] = field(default=())

    def __post_init__(self):
        if not (1 <= self.width <= self.columns and 1 <= self.height <= self.lines):
            raise ValueError(f"an image of {self.width} x {self.height} pixels is no part of a frame of "
                             f"{self.columns} x {self.lines}")
        if self.columns % 2:
            raise ValueError(f"a line must have an even number of pixels, not {self.columns}")
        sizes = [len(table) for table in self.tables]
        if sizes and sizes != [TABLE_ENTRIES] * self.channels:
            raise ValueError(f"tables must be {self.channels} of {TABLE_ENTRIES} bytes")

    @property
    def channels(self) -> int:
        return 1 if self.order is ChannelOrder.GRAY else 3

    @property
    def step(self) -> int:
        """Pixels and lines of the frame for one of the image."""
        return min(self.columns // self.width, self.lines // self.height)

    @property
    def left(self) -> int:
        """The first column that is taken."""
        return (self.columns - self.step * self.width) // 2

    @property
    def top(self) -> int:
        """The first line that is taken."""
        return (self.lines - self.step * self.height) // 2

    @property
    def last_line(self) -> int:
        """The last line that is taken."""
        return self.top + self.step * (self.height - 1)

    @property
    def line_bytes(self) -> int:
        return PIXEL_BYTES * self.columns

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the image."""
        return self.width * self.channels

    @property
    def image_bytes(self) -> int:
        return self.height * self.row_bytes


# Lines on the serial line, as NMEA 0183 has them: `$kind,version,clock,numbers*checksum`; see docs/camera.md.

STATE = b"FLS,1"        #: kind and version of a line without an answer
ANSWER = b"FLA,1"       #: and of one with an answer
STATE_NUMBERS = ("digest", "frames", "dropped", "skipped", "errors")        #: behind the clock
ANSWER_NUMBERS = (*STATE_NUMBERS, "cycles", "latency")                      #: and then number and value of each class
BEST_CLASSES = 5        #: of an answer, or all if there are fewer
LED_BITS = 8            #: that show the number of the best class
