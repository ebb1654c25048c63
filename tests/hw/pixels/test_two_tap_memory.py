"""Activation memory for two taps a cycle against an array: channels collected, loads in their slots, two reads."""

import json

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Signal

from firelane.boards.flow import tools
from firelane.boards.place.ecp5.output_registers import use_output_registers
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import ACTIVATION_READ_LATENCY, ACTIVATION_WRITE_LATENCY
from firelane.hw.pixels.two_tap_memory import TwoTapMemory
from tests.hw import maps
from tests.hw.blocks.carry_proof import Ecp5
from tests.hw.blocks.ecp5_cells import simulated
from tests.hw.support import lint, simulate

READ_LATENCY = 1 + ACTIVATION_READ_LATENCY
LOWER, UPPER = 0x7F, 0x3F80
PLAIN = ACTIVATION_WRITE_LATENCY - 1        # cycles from a channel's end to the addresses that its write takes
TO_LOAD = 1                                 # the same of a load


def config(banks, words):
    return EngineConfig(banks=banks, activation_words=words, taps_per_cycle=2)


class Machine:
    """The memory, and what is in it."""

    def __init__(self, banks, words, seed):
        self.rng = np.random.default_rng(seed)
        self.banks, self.words = banks, words
        self.dut = TwoTapMemory(config(banks, words))
        self.model = np.zeros((banks, words, 14), np.int64)
        self.steps = []             # of the channel under way
        self.collected = {}         # bank -> {pixel: value}
        self.writes = {}            # cycle -> what the banks write where addresses of that cycle would be read
        self.popular = [0, words - 1, *self.rng.integers(0, words, 4).tolist()]

    def draw(self):
        return self.popular[int(self.rng.integers(len(self.popular)))]

    def channel(self):
        """Steps of a channel: halves and whole words, some banks not at all; or a single pixel."""
        address = self.draw()
        if not self.rng.integers(4):
            return [(int(self.rng.integers(self.banks)), address, 1, True)]
        steps = [(int(self.rng.integers(self.banks)), address, int(self.rng.choice([0, LOWER, UPPER, LOWER | UPPER])),
                  False) for _ in range(1 + int(self.rng.integers(self.banks + 1)))]
        return [*steps[:-1], (*steps[-1][:3], True)]

    def drive_drain(self, ctx, cycle):
        """One step, or none."""
        dut = self.dut
        if not self.steps and self.rng.integers(3):
            self.steps = self.channel()
        valid = bool(self.steps) and bool(self.rng.integers(4))
        ctx.set(dut.drain_write.valid, valid)
        ctx.set(dut.channel_end, 0)
        if not valid:
            return
        bank, address, enable, end = self.steps.pop(0)
        pixels = self.rng.integers(0, 256, 14)
        ctx.set(dut.drain_write.payload, {"bank": bank, "address": address, "enable": enable,
                                          "data": maps.pack(pixels)})
        ctx.set(dut.channel_end, end)
        self.collected.setdefault(bank, {}).update({n: pixels[n] for n in range(14) if enable >> n & 1})
        if end:
            self.writes[cycle + PLAIN] = [(b, address, pixels) for b, pixels in self.collected.items()]
            self.collected = {}

    def drive_load(self, ctx, cycle):
        """A word in a slot; never where a channel is written."""
        slot = not self.rng.integers(3) and cycle + TO_LOAD not in self.writes
        ctx.set(self.dut.load_slot, slot)
        ctx.set(self.dut.load_write.valid, slot or bool(self.rng.integers(2)))
        load = {"bank": int(self.rng.integers(self.banks)), "address": self.draw(),
                "enable": int(self.rng.integers(1 << 14)), "data": maps.pack(self.rng.integers(0, 256, 14))}
        ctx.set(self.dut.load_write.payload, load)
        assert ctx.get(self.dut.load_write.ready) == slot
        if slot:
            pixels = maps.unpack(load["data"], 14)
            self.writes[cycle + TO_LOAD] = [(load["bank"], load["address"],
                                             {n: pixels[n] for n in range(14) if load["enable"] >> n & 1})]

    def drive_reads(self, ctx, cycle):
        """Addresses; returns what comes for the first and the second of each bank. None: it is not to be relied on."""
        first, second = ([self.draw() for _ in range(self.banks)] for _ in range(2))
        ctx.set(self.dut.read_addresses, first)
        ctx.set(self.dut.second_addresses, second)
        writes = self.writes.get(cycle, [])
        busy = cycle in self.writes
        moving = {(bank, address) for bank, address, _ in writes}
        want = ([None if (b, a) in moving else self.model[b, a].copy() for b, a in enumerate(first)],
                [None if busy else self.model[b, a].copy() for b, a in enumerate(second)])
        self.writes.pop(cycle, None)
        for bank, address, pixels in writes:
            for n, value in pixels.items():
                self.model[bank, address, n] = value
        return want


@pytest.mark.parametrize("banks, words, made_for", [
    (1, 20, lambda dut: dut), (2, 1280, simulated), (4, 64, lambda dut: dut), (8, 32, lambda dut: dut)],
    ids=["1", "2-ecp5", "4", "8"])
def test_random_traffic(banks, words, made_for):
    machine = Machine(banks, words, banks)
    dut = machine.dut

    async def bench(ctx):
        asked = []
        for cycle in range(400):
            if cycle >= READ_LATENCY:
                for port, wanted in zip((dut.read_words, dut.second_words), asked.pop(0)):
                    for bank, want in enumerate(wanted):
                        if want is not None:
                            assert ctx.get(port[bank].as_value()) == maps.pack(want), (cycle, bank)
            machine.drive_drain(ctx, cycle)
            machine.drive_load(ctx, cycle)
            asked.append(machine.drive_reads(ctx, cycle))
            assert not ctx.get(dut.collision) and not ctx.get(dut.address_range)
            await ctx.tick()

    simulate(made_for(dut), bench)
    assert machine.model.any(axis=(1, 2)).all()


def test_peek_comes_a_cycle_later_than_taps():
    dut = TwoTapMemory(config(2, 16))

    async def bench(ctx):
        ctx.set(dut.load_write.payload, {"bank": 1, "address": 5, "enable": (1 << 14) - 1, "data": 77})
        ctx.set(dut.load_write.valid, 1)
        ctx.set(dut.load_slot, 1)
        await ctx.tick()
        ctx.set(dut.load_slot, 0)
        await ctx.tick()
        ctx.set(dut.read_addresses, [5, 5])
        ctx.set(dut.peek_address, 5)
        seen = []
        for cycle in range(6):
            ctx.set(dut.peek, cycle == 1)
            ctx.set(dut.read_addresses, [5, 5] if cycle == 3 else [0, 0])
            seen.append(ctx.get(dut.read_words[1].as_value()))
            await ctx.tick()
        assert seen == [0, 0, 0, 0, 77, 0]
        assert [ctx.get(dut.read_words[bank].as_value()) for bank in range(2)] == [0, 77]

    simulate(dut, bench)


def test_load_out_of_range():
    dut = TwoTapMemory(config(1, 20))

    async def bench(ctx):
        for address, slot, wrong in ((19, 1, 0), (20, 1, 1), (20, 0, 0), (0, 1, 0)):
            ctx.set(dut.load_write.payload, {"bank": 0, "address": address, "enable": 1, "data": 1})
            ctx.set(dut.load_write.valid, 1)
            ctx.set(dut.load_slot, slot)
            await ctx.tick()
            assert ctx.get(dut.address_range) == wrong

    simulate(dut, bench)


@pytest.mark.parametrize("distance, wrong", [(0, 0), (1, 1), (2, 0)])
def test_collision(distance, wrong):
    """A load that comes to the port with a channel, which takes a cycle longer, is said to be wrong."""
    dut = TwoTapMemory(config(2, 20))

    async def bench(ctx):
        seen = 0
        ctx.set(dut.load_write.valid, 1)
        for cycle in range(6):
            ctx.set(dut.channel_end, cycle == 0)
            ctx.set(dut.load_slot, cycle == distance)
            seen += ctx.get(dut.collision)
            await ctx.tick()
        assert seen == wrong

    simulate(dut, bench)


def test_what_yosys_makes_of_it(tmp_path):
    """Block RAMs with registers of their own: nothing is left to be done about them, and no flip-flop is behind one."""
    dut = TwoTapMemory(config(2, 64))
    ports = [getattr(port, "as_value", lambda port=port: port)() for _, _, port in dut.signature.flatten(dut)]
    (tmp_path / "top.il").write_text(rtlil.convert(
        dut, name="top", platform=Ecp5(), ports=[port for port in ports if isinstance(port, Signal)], emit_src=False))
    (tmp_path / "top.ys").write_text("read_rtlil top.il\nsynth_ecp5 -top top\nwrite_json top.json\n")
    tools.yosys_script().run("top.ys", cwd=tmp_path, log=tmp_path / "yosys.log")
    assert use_output_registers(tmp_path / "top.json") == 0
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    blocks = [cell for cell in cells if cell["type"] == "DP16KD"]
    modes = [[cell["parameters"][f"REGMODE_{port}"] for port in "AB"] for cell in blocks]
    assert modes == [["OUTREG", "OUTREG"]] * 14
    assert all(cell["connections"]["WEA"] == ["0"] and len(cell["connections"]["WEB"]) == 1 for cell in blocks)
    words = {bit for cell in blocks for pin, bits in cell["connections"].items() if pin[:2] == "DO" for bit in bits}
    assert not any(words & set(bits) for cell in cells for pin, bits in cell["connections"].items()
                   if cell["port_directions"][pin] == "input")


@pytest.mark.parametrize("words", [16, 1280])
def test_lint(words):
    lint(TwoTapMemory(config(2, words)))
