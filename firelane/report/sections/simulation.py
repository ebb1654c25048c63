"""A simulation: cycles measured beside those predicted, results compared, activations of its images."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.report.figures import simulation as figures
from firelane.report.figures import values
from firelane.report.page.document import Plot, Section, Table
from firelane.sim.activation_levels import ActivationLevels
from firelane.sim.judge.report import SimulationReport


def results(report: SimulationReport) -> Section:
    """What was compared, and what came out."""
    text = (f"{report.values:,} result values of {report.frames:,} {'frame' if report.frames == 1 else 'frames'} were "
            "compared with the integer reference, byte for byte, and all are equal.")
    rows = [("frames", f"{report.frames:,}"), ("values compared, all equal", f"{report.values:,}"),
            ("image in, bytes a frame", f"{report.input_bytes:,}"),
            ("cycles that instructions waited for the image", f"{report.input_wait:,}"),
            ("result out, bytes a frame", f"{report.output_bytes:,}"),
            ("cycles from the first to the last result byte", f"{report.output_cycles:,}"),
            ("cycles simulated", f"{report.simulated_cycles:,}")]
    if report.correct is not None:
        rows.insert(2, ("frames whose best class is right", f"{report.correct} ({report.correct / report.frames:.1%})"))
    parts = [Table("What was run", ("", ""), tuple(rows))]
    if report.guesses:
        parts.append(Table("Best classes of the first frame", ("class", "share"), tuple(
            (f"{guess.index} {guess.name}".rstrip(), f"{guess.share:.4f}") for guess in report.guesses)))
    return Section("results", "Results compared", text, tuple(parts))


def cycles(report: SimulationReport) -> Section:
    """Cycles of each layer: ideal, predicted, measured."""
    worst, ideal = report.worst_prediction, report.ideal_with_windows
    text = (f"The frame took {report.frame_cycles:,} cycles; {report.predicted_frame_cycles:,} were predicted from the "
            f"program alone, {ideal:,} would be ideal.")
    parts = [Plot("cycles-measured", "Cycles of each layer in the simulated Verilog", "The upright mark is the "
                  "prediction: it stands at the end of the bar where the engine does what its timing promises.",
                  figures.measured(report.layers))]
    if worst.error:
        parts.append(Plot("prediction-errors", "How far predictions are off", f"At worst {abs(worst.error):.2%}, in "
                          f"{worst.name}; all layers that are not here were predicted to the cycle. What is not "
                          "predicted is how the loading of the image holds up a result that is written.",
                          figures.errors(report.layers)))
    return Section("measured", "Cycles measured", text, tuple(parts))


def activations(levels: Sequence[ActivationLevels], images: int) -> Section:
    """Histograms of activations, and clipping."""
    worst = max(levels, key=lambda level: level.clipped)
    names = [level.node for level in levels]
    return Section("activations", "Activations", f"Stored values (uint8) of each map, over {images} of the images.", (
        Plot("activation-levels", "How often each value occurs", "Each row is a map. Colour that ends far to the left "
             "of 255 is a range that was chosen too wide; 0, where a ReLU cuts, is often the commonest value.",
             values.activations(levels)),
        Plot("activations-clipped", "Values at the upper end of their range", f"What is larger than the calibration "
             f"images gave reason to expect is clipped: most in {worst.node}, {worst.clipped:.2%}. More than a percent "
             "costs accuracy, if it is not a clamp of the network itself.",
             values.clipped(names, [level.clipped for level in levels], "values"))))
