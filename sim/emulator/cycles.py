"""What instructions add to the timeline of a frame, `hw.contract.timeline`, by their fields."""

from __future__ import annotations

from typing import Any

from firelane.hw.contract import timing
from firelane.hw.contract.instruction import Destination, Source
from firelane.hw.contract.issue import ChannelTaps
from firelane.hw.contract.timeline import Timeline
from firelane.sim.emulator.decode import DescriptorFields, Instruction


def tile(timeline: Timeline, fields: DescriptorFields, taps: ChannelTaps) -> None:
    """A TILE on the timeline, with its taps."""
    timeline.tile(taps, streamed=fields.source is Source.STREAM, dense=bool(fields.dense),
                  averages=fields.destination is Destination.AVERAGE)


def load(timeline: Timeline, instruction: Instruction, fields: DescriptorFields) -> None:
    """A LOAD on the timeline."""
    cfg = timeline.cfg
    shape: dict[str, Any] = {
        "map_rows": instruction.slots[0].rows, "image_columns": fields.image_columns, "channels": fields.channels_in,
        "space_to_depth": bool(fields.space_to_depth)}
    timeline.load(timing.load_cycles(cfg, **shape), beside=bool(instruction.beside),
                  requests=timing.load_requests(cfg, **shape))


def output_cycles(instruction: Instruction, fields: DescriptorFields) -> int:
    """Cycles of an OUTPUT from its start to its last byte."""
    return timing.output_cycles(channels=fields.channels_out, rows=instruction.slots[0].rows, columns=fields.columns)
