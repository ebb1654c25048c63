"""What --json prints of the results of `firelane.*`; the schemas in `firelane.cli.schemas` describe each field."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firelane.api.compile import CompiledNetwork
    from firelane.api.compress import CompressedNetwork
    from firelane.api.quantize import QuantizedNetwork
    from firelane.api.simulate import Simulation


def quantized_record(made: QuantizedNetwork, written: Path) -> dict[str, Any]:
    """What `firelane quantize --json` prints."""
    return {"model": made.name, "method": made.method, "images": made.images, "takes_pixels": made.takes_pixels,
            "agreement": _agreement(made.agreement), "written": written}


def compressed_record(made: CompressedNetwork, written: Path) -> dict[str, Any]:
    """What `firelane compress --json` prints."""
    quality = made.estimate.quality
    return {"model": made.name, "rom_bytes": made.rom_bytes, "rom": made.rom.bytes_by_kind, "weights": made.weights,
            "nonzero": made.nonzero, "tap_cycles": made.tap_cycles,
            "expected_loss": {"top1_drop": quality.drop, "standard_error": quality.error,
                              "agreement": quality.agreement, "divergence_nats": quality.divergence,
                              "images": quality.images, "images_compressed_with": made.estimate.used,
                              "only_class": quality.only_class},
            "board": made.board, "cycles": made.report and made.report.cost.total,
            "frames_per_second": made.report and made.report.frames_per_second,
            "agreement": _agreement(made.agreement), "written": written}


def compiled_record(made: CompiledNetwork, written: Path | None) -> dict[str, Any]:
    """What `firelane compile --json` prints."""
    report = made.report
    return {"model": made.network.name, "board": made.board, "fits": made.fits, "cycles": made.cycles,
            "waiting_cycles": report.cost.waiting, "frames_per_second": made.frames_per_second,
            "clock_mhz": report.clock_hz and report.clock_hz / 1e6, "rom_bytes": made.rom_bytes,
            "rom": report.rom.bytes_by_kind, "macs": report.dense_macs, "multipliers": report.lanes,
            "program_digest": f"{made.compiled.program.contents.program_digest:08x}", "engine": asdict(made.engine),
            "usage": [asdict(line) | {"fits": line.fits} for line in made.usage],
            "layers": [line.to_dict() for line in made.layers],
            "agreement": _agreement(made.agreement), "written": written}


def simulation_record(found: Simulation) -> dict[str, Any]:
    """What `firelane simulate --json` prints."""
    report = found.report
    return {"model": found.network.name, "engine": asdict(found.engine), "images": found.images,
            "frames": report.frames, "values": report.values, "cycles": found.cycles,
            "predicted_cycles": found.predicted_cycles, "macs": report.macs, "multipliers": report.lanes,
            "correct": found.correct, "input_bytes": report.input_bytes, "input_wait": report.input_wait,
            "output_bytes": report.output_bytes, "output_cycles": report.output_cycles,
            "layers": [asdict(layer) for layer in found.layers],
            "best_classes": [asdict(guess) for guess in report.guesses],
            "simulated_cycles": report.simulated_cycles, "seconds": report.seconds,
            "build_seconds": report.build_seconds, "waves": found.waves}


def _agreement(agreement: Any) -> dict[str, Any] | None:
    """How near it is to ONNX Runtime; None if that was not asked."""
    return None if agreement is None else asdict(agreement) | {"text": str(agreement)}
