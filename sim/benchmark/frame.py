"""One whole frame of one network: compiled, simulated, checked, and every step of it timed."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from firelane.compiler.artefact.artefact import artefact_files
from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
from firelane.compiler.frame_io.classes import read_labels
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.rom_size import rom_size
from firelane.compiler.support.files import build_root, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import CatalogueEntry, find
from firelane.models.published_data import net_file
from firelane.sim.benchmark.cases import Case
from firelane.sim.benchmark.provenance import provenance
from firelane.sim.benchmark.records import FrameRecord
from firelane.sim.judge.images import ImageSet, choose_images
from firelane.sim.judge.trial import Trial, check_outcome
from firelane.sim.simulator.build import build

ENGINE = EngineConfig(trace=True)       #: unless a network needs more


def measure_frame(case: Case, *, engine: EngineConfig = ENGINE, input_size: int | None = None,
                  notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> FrameRecord:
    """Simulate one frame and compare every result byte.

    Parameters
    ----------
    case : Case
    engine : EngineConfig
        Its memories grow to what the network needs.
    input_size : int, optional
        Smaller images, for tests.
    notify, progress : callables
        Told in words what takes long; told how far it is.

    Raises
    ------
    MismatchError
        If a level of truth disagrees: there is no record of such a frame.
    """
    made = provenance()
    entry = find(case.network, input_size=input_size, progress=progress)
    compiled, compile_seconds = _timed(lambda: _compile(entry.path, replace(engine, taps_per_cycle=case.taps),
                                                          case.activation_words, progress))
    images = choose_images(compiled.graph, entry.photographs[:1])
    simulator = build(compiled.cfg, notify=notify, progress=progress)
    trial = Trial(compiled, simulator, build_root() / "sim" / "bench")
    with locked(trial.directory):
        before = _seconds_of_children()
        report = check_outcome(trial, images, labels=_labels(entry, compiled), notify=notify,
                               progress=progress).report
        simulation_seconds = round(_seconds_of_children() - before, 2)
    progress("timing reference and emulator", 0, None)
    return FrameRecord(
        made=made, weights=entry.origin.removesuffix(f", {net_file()}"), image=_image_name(entry, images),
        banks=compiled.cfg.banks, activation_words=compiled.cfg.activation_words,
        weight_words=len(compiled.program.contents.weights), program_words=len(compiled.program.contents.program),
        rom_bytes=rom_size(compiled.program).bytes, report=report, compile_seconds=compile_seconds,
        simulation_seconds=simulation_seconds,
        reference_seconds=_timed(lambda: trial.expected(images.pixels[:1]))[1],
        emulator_seconds=_timed(lambda: trial.predict(images.pixels[0]))[1])


def _compile(path: Path, cfg: EngineConfig, activation_words: int | None, progress: Progress) -> Compiled:
    """The network compiled to the bytes of all ROM images."""
    free = [name for name in GROWING if name != "activation_words" or activation_words is None]
    if activation_words is not None:
        cfg = replace(cfg, activation_words=activation_words)
    compiled = compile_fitting(load_graph(path), cfg, free, progress)
    progress("compiling: writing ROM images", 0, None)
    artefact_files(compiled)
    return compiled


def _timed(step: Callable):
    """What `step` returns, and the CPU seconds it took."""
    started = time.process_time()
    result = step()
    return result, round(time.process_time() - started, 4)


def _seconds_of_children() -> float:
    """CPU seconds of all processes started from here that have ended: of simulators, after the build."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _labels(entry: CatalogueEntry, compiled: Compiled) -> tuple[str, ...]:
    classes = compiled.graph.tensors[compiled.graph.output].channels
    return read_labels(entry.labels, classes) if entry.labels else ()


def _image_name(entry: CatalogueEntry, images: ImageSet) -> str:
    return entry.photographs[0].name if entry.photographs else images.description.partition(" (")[0]
