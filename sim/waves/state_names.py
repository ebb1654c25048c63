"""Names of the states of the engine's state machines, which its Verilog does not have: Amaranth is asked for them."""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.hdl import Fragment, Signal

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import NOTHING
from firelane.hw.engine import Engine
from firelane.sim.waves.enum_names import Names

SUFFIX = "_state"               #: Amaranth's, behind the name of a machine


def state_names(cfg: EngineConfig) -> dict[tuple[str, ...], Names]:
    """Path of a state signal, from within the engine on -> names of its values."""
    return dict(_below(Fragment.get(Engine(cfg, NOTHING), None), ()))


def _below(fragment: Fragment, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Names]]:
    for statements in fragment.statements.values():
        for signal in (signal for statement in statements for signal in statement._lhs_signals()):
            if signal.name.endswith(SUFFIX) and signal.decoder:
                yield (*path, signal.name), _names(signal)
    for inner, name, *_ in fragment.subfragments:
        yield from _below(inner, (*path, str(name)))


def _names(signal: Signal) -> Names:
    """What the decoder of a state says, "IDLE/0", for those values that are states."""
    found = {}
    for value in range(1 << len(signal)):
        try:
            found[value] = str(signal.decoder(value)).partition("/")[0]
        except KeyError:
            break
    return found
