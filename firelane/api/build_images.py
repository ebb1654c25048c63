"""The images of `firelane.build`: those that it works with, and others by which it finds what was lost."""

from __future__ import annotations

from functools import cached_property

from firelane.api.build_job import BuildJob
from firelane.api.pictures import Pictures, read_pictures
from firelane.compiler.compress.sources import LEAST_IMAGES
from firelane.compiler.frame_io.preprocessing import known_record, preprocessing_of
from firelane.compiler.ir.graph import Graph
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError, FirelaneError, ModelError
from firelane.compiler.support.problems import further, together
from firelane.compiler.support.progress import Progress

HELD_OUT_NEED = 10              #: images: `LEAST_IMAGES` to work with, when one in five is held out


class BuildImages:
    """The images of a job, found when they are first asked for; uint8 (C, H, W) each.

    Parameters
    ----------
    job : BuildJob
    graph : Graph, optional
        The network, if it is quantized as it came; none are needed then.

    Raises
    ------
    FirelaneError
        When they are asked for, if there are none or too few, or it is not known how the network takes pixels.
    """

    def __init__(self, job: BuildJob, graph: Graph | None):
        self._job, self._graph = job, graph

    @property
    def used(self) -> Pictures:
        """Those to work with."""
        return self._split[0]

    @property
    def judged(self) -> Pictures:
        """Those that nothing is made with."""
        return self._split[1]

    @cached_property
    def given(self) -> Pictures:
        """Those of --calib."""
        job = self._job
        if job.calibration is None:
            raise ConfigError("--calib", "is missing",
                              hint="a float network is quantized with images, a folder of them without labels")
        return self._pictures(job.calibration, "--calib", job.limit)

    def problems(self, progress: Progress) -> list[FirelaneError]:
        """What is wrong with images, each of which is read, in the order of their folders."""
        if not sum(map(len, self._split)):
            return []
        problems = []
        for pictures in (self.given, *([] if self._job.judge is None else [self.judged])):
            for number in range(len(pictures)):
                progress("reading images", number, len(pictures))
                try:
                    _ = pictures.images[number]
                except FirelaneError as problem:
                    problems.append(problem)
        return together(problems)

    @cached_property
    def _split(self) -> tuple[Pictures, Pictures]:
        job = self._job
        if job.calibration is None and self._graph is not None:
            return Pictures((), ()), Pictures((), ())
        needed = HELD_OUT_NEED if job.judge is None else LEAST_IMAGES
        if len(self.given) < needed:
            raise ConfigError("--calib", counted(len(self.given), "image"),
                              hint=f"at least {needed} are needed, 100 or more are better")
        if job.judge is None:
            return self.given.split()
        return self.given, self._pictures(job.judge, "--judge")

    def _pictures(self, source: Images, option: str, limit: int | None = None) -> Pictures:
        network = self._job.recorded
        record = known_record(self._graph) if self._graph else preprocessing_of(metadata(network.model))
        if record is None:
            unknown = ModelError(self._job.given.name, "how it takes pixels is not recorded in it",
                             hint="say it with --preset (imagenet is what torchvision's networks want), or with "
                                  "--mean, --scale, --channels, --resize")
            unknown.further = tuple(self._unreadable(source, option))
            raise unknown
        return read_pictures(source, option, network.input_shape, record.resize, limit)

    def _unreadable(self, source: Images, option: str) -> list[FirelaneError]:
        """What is wrong with images whatever the network takes: there are none."""
        try:
            read_pictures(source, option, self._job.recorded.input_shape, None, None)
        except FirelaneError as problem:
            return [problem, *further(problem)]
        return []
