"""Records made up for tests, small enough to be computed in the head."""

from __future__ import annotations

from firelane.compiler.frame_io.classes import Guess
from firelane.sim.benchmark.builds import BuildRecord
from firelane.sim.benchmark.provenance import Provenance
from firelane.sim.benchmark.records import AccuracyRecord, FrameRecord, Hits
from firelane.sim.judge.layer_cycles import LayerCycles
from firelane.sim.judge.report import SimulationReport

MADE = Provenance(commit="0123456789ab", day="2026-01-02", machine="2 cores of a machine", load=0.5)


def frame_record(*, frame_cycles: int = 1100, measured: int = 1000) -> FrameRecord:
    """A convolution of 100 taps on 8 tiles (ideal 800) and a pooling of 10 taps on 4 tiles (40), 10 multipliers."""
    conv = LayerCycles(name="conv", kind="TILE", instructions=9, tiles=8, taps=100, convolution=True, ideal=800,
                       measured=measured, predicted=1000, macs=22000)
    pool = LayerCycles(name="pool", kind="TILE", instructions=4, tiles=4, taps=10, convolution=False, ideal=40,
                       measured=100, predicted=100, macs=0)
    report = SimulationReport(
        model="net", engine="2 banks", lanes=10, layers=[conv, pool], frame_cycles=frame_cycles,
        predicted_frame_cycles=1100, input_bytes=300, input_wait=5, output_bytes=3, output_cycles=3, frames=1,
        values=1000, correct=None, guesses=[Guess(7, "cock", 0.75), Guess(3, "", 0.125)], simulated_cycles=44000,
        seconds=3.0, build_seconds=61.0)
    return FrameRecord(made=MADE, weights="random", image="a made image", banks=2, activation_words=640,
                       weight_words=100, program_words=50, rom_bytes=1234, report=report, compile_seconds=1.25,
                       simulation_seconds=2.0, reference_seconds=0.5, emulator_seconds=2.25)


def accuracy_record() -> AccuracyRecord:
    return AccuracyRecord(made=MADE, images=50, scores={"float": Hits(top1=40, top5=45),
                                                        "integer reference": Hits(top1=39, top5=46)})


def build_record() -> BuildRecord:
    return BuildRecord(made=MADE, seconds=1234, board="ulx3s_85f", device="LFE5U-85F", model="net", banks=8,
                       weight_words=67584, fmax_mhz=80.25, clock_mhz=75.0, frame_cycles=3_000_000,
                       frames_per_second=25.0, seed=3,
                       resources={"LUT": (37000, 83640), "FF": (21000, 83640), "EBR": (202, 208), "DSP": (140, 156)})
