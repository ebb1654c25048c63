"""From a camera's pins to the engine's image."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import BYTES
from firelane.hw.camera.byte_queue import ByteQueue
from firelane.hw.camera.colour import ColourConverter
from firelane.hw.camera.dvp_receiver import DvpPins, DvpReceiver
from firelane.hw.camera.frame_taker import FrameControl, FrameTaker
from firelane.hw.camera.image_bytes import ImageBytes
from firelane.hw.contract.camera import CameraInput


class PictureSource(wiring.Component):
    """Frames of a camera as images, one when `control` takes it; nothing in it can make a camera wait.

        pins --> receiver --> taker --> colour --> bytes --> queue --> image

    Limits      `queue_bytes` of block RAM, and one block RAM if the network has tables.

    Parameters
    ----------
    wanted : CameraInput
    queue_bytes : int
        Of an image, that may wait; see `compiler.fit.camera_rows`.

    Members
    -------
    pins : In(DvpPins())
    control : Out(FrameControl())
    clear : In(1)
        Forget what waits.
    image : Out(BYTES)
        Withdrawn by `clear` only.
    complete : Out(1)
        Pulse: the last byte of an image is in the queue.
    overflow : Out(1)
        Pulse: a byte was lost.
    """

    def __init__(self, wanted: CameraInput, *, queue_bytes: int):
        self._wanted = wanted
        self._queue_bytes = queue_bytes
        super().__init__({"pins": In(DvpPins()), "control": Out(FrameControl()), "clear": In(1), "image": Out(BYTES),
                          "complete": Out(1), "overflow": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = DvpReceiver()
        m.submodules.taker = taker = FrameTaker(self._wanted)
        m.submodules.colour = colour = ColourConverter(self._wanted.format)
        m.submodules.bytes = image_bytes = ImageBytes(self._wanted)
        m.submodules.queue = queue = ByteQueue(self._queue_bytes)
        connect(m, flipped(self.pins), receiver.pins)
        connect(m, receiver.events, taker.events)
        connect(m, taker.control, flipped(self.control))
        connect(m, taker.pixel, colour.i)
        connect(m, colour.o, image_bytes.pixel)
        connect(m, image_bytes.o, queue.i)
        connect(m, queue.o, flipped(self.image))
        m.d.comb += [
            image_bytes.begin.eq(taker.control.begin), queue.clear.eq(self.clear), self.overflow.eq(queue.overflow),
            self.complete.eq(image_bytes.o.valid & image_bytes.o.payload.last),
        ]
        return m
