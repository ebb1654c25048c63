"""The steps of `firelane.build` in their order; each is made only if something that it depends on has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

import onnx

from firelane.api.build_images import BuildImages
from firelane.api.build_job import (
    BITSTREAM_FOLDER,
    COMPRESSED,
    PROGRAM_FOLDER,
    QUANTIZED,
    BuildJob,
    Loss,
    StepOutcome,
)
from firelane.api.compile import compile
from firelane.api.compress import compress
from firelane.api.estimate import Estimate, estimate
from firelane.api.evaluate import evaluate
from firelane.api.network import Network
from firelane.api.quantize import quantize
from firelane.boards.flow.pack_bitstream import BITSTREAM
from firelane.boards.report.end_to_end import end_to_end, link_of, work_of
from firelane.compiler.artefact.file_names import PROGRAM
from firelane.compiler.compress.sources import FEW_IMAGES
from firelane.compiler.fit.report import MEMORIES
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import CapacityError, ConfigError, FirelaneError, ModelError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.files import digest
from firelane.compiler.support.kept_steps import KeptSteps, kept_steps
from firelane.compiler.support.marker import BUILD, COMPILED
from firelane.compiler.support.problems import further, raise_all
from firelane.compiler.support.progress import Progress
from firelane.compiler.support.sources import source_digest

KIND = "network build"
FOLDERS = {PROGRAM_FOLDER: (COMPILED, PROGRAM), BITSTREAM_FOLDER: (BUILD, BITSTREAM)}
OPTION = "firelane build --bitstream"
MADE_BY = tuple(f"firelane.{name}" for name in ("api", "boards", "compiler", "hw", "lazy", "models", "report", "sim"))
LIBRARIES = ("numpy", "onnx", "onnxruntime", "Pillow")

Facts = Mapping[str, Any]


def run_steps(job: BuildJob) -> tuple[dict[str, Facts], tuple[StepOutcome, ...]]:
    """Do what is not done yet; returns what each step found, by name, and what became of each.

    Raises
    ------
    FirelaneError
        As `firelane.build` does.
    """
    with kept_steps(job.folder, KIND, files=job.files, folders=FOLDERS) as kept:
        run = _Run(job, kept)
        for name in job.steps:
            getattr(run, name)()
        return run.facts, tuple(run.outcomes)


class _Run:
    """One run through the steps."""

    def __init__(self, job: BuildJob, kept: KeptSteps):
        self._job, self._kept = job, kept
        self.facts: dict[str, Facts] = {}
        self.outcomes: list[StepOutcome] = []

    @cached_property
    def _images(self) -> BuildImages:
        return BuildImages(self._job, self._graph)

    # the steps

    def check(self) -> None:
        """Everything that can be known before the work."""
        job = self._job
        try:
            images = [self._images.used.key, self._images.judged.key]
            unusable = []
        except FirelaneError as problem:
            images, unusable = [], [problem, *further(problem)]
        if images and job.calibration is not None and len(self._images.given) < FEW_IMAGES:
            job.say(f"warning: {len(self._images.given):,} images are few, to work with and to tell what is lost; "
                    f"{FEW_IMAGES} at least, 100 or more are better")

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            found = estimate(job.given, job.called, progress=progress)
            problems = [*found.problems, *_shortages(found, job), *unusable]
            if job.seeds is not None:
                problems += from_extra("firelane.boards.flow.bitstream", "build", OPTION).check_tools(job.board)
            if not unusable:
                problems += self._images.problems(progress)
            raise_all(problems)
            return {"text": self._description(found)}, {}
        self._step("check", [self._model_key, self._board_key, *images, f"{job.compress} {job.seeds}"], make)

    def quantize(self) -> None:
        """QUANTIZED, and whether the board holds it as it is."""
        job = self._job

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            if self._complete:
                made, text = job.recorded, f"not needed, {job.name} is quantized"
            else:
                pixels = self._images.used.stacked(progress)
                made = quantize(job.recorded, pixels, method=job.method, limit=len(pixels), check=job.check,
                                progress=progress)
                text = f"int8, with {counted(len(pixels), 'image')} ({job.method})"
            named = _named(made.model, job.name)
            found = estimate(replace(job.recorded, model=named, path=None), job.called, progress=progress)
            raise_all([*found.problems, *_shortages(found, job)])
            [lacking] = found.boards[0].shortages or [None]
            text += f"; {job.called} holds it" if lacking is None else f"; too large: {lacking.found}"
            return {"text": text, "fits": lacking is None}, {QUANTIZED: _content(named)}
        self._step("quantize", [self._model_key, self._board_key, f"{job.check} {job.compress}",
                                *([] if self._complete else [self._images.used.key, job.method])], make)

    def compress(self) -> None:
        """COMPRESSED, if the board does not hold QUANTIZED."""
        job = self._job
        if self.facts["quantize"]["fits"]:
            self._kept.discard("compress", COMPRESSED)
            self._say("compress", "not needed", kept=False)
            self.facts["compress"] = {"model": QUANTIZED, "loss": None}
            return

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            used, judged = self._images.used, self._images.judged
            made = compress(self._compressible, used.stacked(progress), board=job.called,
                            judge=judged.stacked(progress), method=job.method, limit=len(used),
                            objective=job.objective, thorough=job.thorough, check=job.check, progress=progress)
            quality = made.estimate.quality
            text = (f"{made.rom_bytes:,} bytes, {made.nonzero / made.weights:.0%} of {made.weights:,} weights are not "
                    "zero")
            loss = vars(Loss(quality.drop, quality.error, quality.agreement, quality.divergence, quality.images,
                             quality.only_class))
            return ({"text": text, "model": COMPRESSED, "loss": loss},
                    {COMPRESSED: _content(_named(made.model, job.name))})
        self._step("compress", [self._model_key, self._content_key(QUANTIZED), self._board_key,
                                self._images.used.key, self._images.judged.key,
                                f"{job.method} {job.objective} {job.thorough} {job.check}"], make)

    def evaluate(self) -> None:
        """What was lost, on images that nothing was made with: the bits that the board will compute against floats."""
        model = self.facts["compress"]["model"]

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            loss = self.facts["compress"]["loss"] if self._complete else self._measured_loss(model, progress)
            text = str(Loss(**loss)) if loss else "nothing is lost, the network is computed as it was given"
            return {"text": text, "loss": loss}, {}
        self._step("evaluate", [self._model_key, self._content_key(model), self._images.judged.key,
                                f"{self.facts['compress']['loss']}"], make)
        loss = self.facts["evaluate"]["loss"]
        if loss and (warning := Loss(**loss).warning):
            self._job.say(warning)

    def compile(self) -> None:
        """PROGRAM_FOLDER."""
        job, model = self._job, self.facts["compress"]["model"]

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            compiled = compile(job.folder / model, job.called, check=job.check, progress=progress)
            compiled.save(job.folder / PROGRAM_FOLDER)
            fps = compiled.frames_per_second
            assert fps is not None, "a board has a clock"
            words = next(line.used for line in compiled.usage if line.name == MEMORIES["weight_words"])
            facts = {"text": f"{compiled.cycles:,} cycles a frame, {fps:,.1f} frames/s", "model": model,
                     "program": PROGRAM_FOLDER, "rom_bytes": compiled.rom_bytes, "cycles": compiled.cycles,
                     "memory_share": words / compiled.engine.weight_words, "frames_per_second": fps,
                     "end_to_end": asdict(end_to_end(link_of(job.board),
                                                     work_of(compiled.network.graph, compiled.report)))}
            return facts, {PROGRAM_FOLDER: b""}
        self._step("compile", [self._content_key(model), self._board_key, f"{job.check}"], make)

    def bitstream(self) -> None:
        """BITSTREAM_FOLDER."""
        job, model = self._job, self.facts["compress"]["model"]
        seeds = job.seeds
        assert seeds is not None, "it is wanted"

        def make(progress: Progress) -> tuple[Facts, Mapping[str, bytes]]:
            flow = from_extra("firelane.boards.flow.model_build", "build", OPTION)
            built = flow.build_model(job.board, job.folder / model, job.folder / BITSTREAM_FOLDER, seeds=seeds,
                                     say=job.say, name=job.name, progress=progress)
            report = built.build.report
            text = (f"{report.achieved_hz / 1e6:.1f} MHz possible, {report.target_hz / 1e6:g} used; seed "
                    f"{built.build.seed}")
            return {"text": text, "file": f"{BITSTREAM_FOLDER}/{BITSTREAM}"}, {BITSTREAM_FOLDER: b""}
        self._step("bitstream", [self._content_key(model), self._board_key, f"{list(seeds)}"], make)

    # what they share

    def _step(self, name: str, parts: Sequence[str],
              make: Callable[[Progress], tuple[Facts, Mapping[str, bytes]]]) -> None:
        """What a step found, as it was kept, or as it is now."""
        key = digest([name, self._code_key, *parts])
        facts = self._kept.found(name, key)
        kept = facts is not None
        if facts is None:
            self._kept.forget(name)
            facts, files = make(self._progress(name))
            self._kept.keep(name, key, facts, files)
        self.facts[name] = facts
        self._say(name, facts["text"], kept)

    def _say(self, name: str, text: str, kept: bool) -> None:
        self.outcomes.append(StepOutcome(name, text, kept))
        self._job.say(f"{self._number(name)} {name}: {'kept (same inputs): ' if kept else ''}{text}")

    def _number(self, name: str) -> str:
        return f"[{self._job.steps.index(name) + 1}/{len(self._job.steps)}]"

    def _progress(self, name: str) -> Progress:
        """The job's, which is told which step it is."""
        number, progress = self._number(name), self._job.progress
        return lambda stage, done, total: progress(f"{number} {stage}", done, total)

    def _measured_loss(self, model: str, progress: Progress) -> Facts:
        """The loss of the bit-exact reference against the float network in ONNX Runtime."""
        job = self._job
        found = evaluate(job.folder / model, list(self._images.judged.stacked(progress)), float_model=job.recorded,
                         workers=job.workers, progress=progress)
        score, seen = found.scores[0], {one.only_class for one in found.scores}
        assert score.expected_loss is not None and score.loss_error is not None, "it was compared"
        return vars(Loss(score.expected_loss, score.loss_error, score.agreement or 0.0, score.divergence or 0.0,
                         found.images, score.only_class if len(seen) == 1 else None))

    def _description(self, found: Estimate) -> str:
        """What is built of what."""
        job = self._job
        kind, shape = "quantized" if self._complete else "float", " x ".join(map(str, job.given.input_shape))
        text = f"{kind}, {shape} pixels, {found.weights:,} weights"
        if job.calibration is None:
            return text
        judged = "given to judge it" if job.judge is not None else "held out to judge it"
        return f"{text}; {len(self._images.used):,} images to work with, {len(self._images.judged):,} {judged}"

    @cached_property
    def _complete(self) -> bool:
        """Whether the network is quantized as it came, and not only in part."""
        return self._graph is not None

    @cached_property
    def _graph(self) -> Graph | None:
        """The graph of a network that is quantized; else, or if there is something wrong with it, none."""
        try:
            return self._job.recorded.graph if self._job.recorded.quantized else None
        except ModelError:
            return None

    @property
    def _compressible(self) -> Network:
        """What is compressed: weights as they came, where that is possible."""
        job = self._job
        partly = job.recorded.quantized and not self._complete
        return replace(job.recorded, model=onnx.load(job.folder / QUANTIZED), path=None) if partly else job.recorded

    @cached_property
    def _code_key(self) -> str:
        return digest([source_digest(*MADE_BY), *map(version, LIBRARIES)])

    @cached_property
    def _model_key(self) -> str:
        return digest([self._job.name, _content(self._job.recorded.model).hex()])

    @property
    def _board_key(self) -> str:
        board = self._job.board
        return digest([board.name, repr(board.engine), repr(board.device), f"{board.clock_hz} {board.result_bytes}"])

    def _content_key(self, name: str) -> str:
        return digest([self._job.folder / name])


def _shortages(found: Estimate, job: BuildJob) -> list[FirelaneError]:
    """What the board does not have enough of, but for weights that can be made smaller."""
    if not found.boards:
        return []
    lacking = found.boards[0].shortages
    if job.calibration is None and job.recorded.quantized and job.compress and any(one.compressible for one in lacking):
        return [ConfigError("--calib", f"is missing, and {job.called} has too little room: {lacking[0].found}",
                            hint="a network is compressed with images, a folder of them without labels")]
    return [CapacityError(f"{job.called}: {one.what.removesuffix(' (words)')}", one.found, hint="; ".join(one.ways))
            for one in lacking if not (one.compressible and job.compress)]


def _named(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with the name of what was given: exporters call theirs main_graph."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.graph.name = name
    return copy


def _content(model: onnx.ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)
