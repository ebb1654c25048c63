"""An emulator that runs the emitted program word for word: instructions, descriptors and compressed weights.

    frame = Emulator(cfg, contents).run_frame(image)
    frame.result, frame.total_cycles

It keeps the engine's memories and does to them what `docs/architecture.md` says, lane for lane.
"""

from firelane.hw.contract.timeline import InstructionCycles
from firelane.sim.emulator.decode import Instruction
from firelane.sim.emulator.engine import Emulator, FrameResult, InstructionTrace
from firelane.sim.emulator.faults import EngineError, InvariantError
from firelane.sim.emulator.memory import Writes

__all__ = ["Emulator", "EngineError", "FrameResult", "Instruction", "InstructionCycles", "InstructionTrace",
           "InvariantError", "Writes"]
