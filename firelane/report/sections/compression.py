"""A compression: what each layer got, what that costs, and what is lost in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firelane.compiler.compress.run import CompressedLayer, Estimate
from firelane.report.figures import compression as figures
from firelane.report.figures.whole_layers import BYTE_BITS
from firelane.report.page.document import Plot, Section, Table


def loss(found: Estimate) -> Section:
    """What is lost, by the images that were held out."""
    quality = found.quality
    rows = [("expected loss of top-1, points", f"{100 * quality.drop:.2f} ± {100 * quality.error:.2f}"),
            ("same class as the float network", f"{quality.agreement:.1%}"),
            ("divergence from the float network, nats", f"{quality.divergence:.4f}"),
            ("images that it was found on", f"{quality.images:,}")]
    judged = ("They were given to judge it." if found.used is None else
              f"They were held out: the network that was judged is one made alike with the other {found.used}.")
    return Section("loss", "What is lost", "No labels are needed: what the float network says of images that nothing "
                   f"was compressed with is compared. {judged}", (Table("Loss", ("", ""), tuple(rows)),))


def layers(found: Sequence[CompressedLayer], bits: Mapping[str, int]) -> Section:
    """Bits and error of each layer."""
    worst = max(found, key=lambda layer: layer.error)
    text = ("One price of a bit, in nats, was paid in all layers: so a bit more would help as much in one as in any "
            "other, and long bars are no fault. Errors are the estimate that levels were chosen by.")
    rows = tuple((layer.name, f"{layer.weights:,}", f"{layer.nonzero / layer.weights:.1%}", f"{layer.levels}",
                  f"{bits[layer.name] / BYTE_BITS:,.0f}", f"{bits[layer.name] / layer.weights:.2f}",
                  f"{1000 * layer.error:.3f}") for layer in found)
    return Section("rates", "Rate and distortion", text, (
        Plot("bytes-and-error", "Bytes of each layer, and what it costs of accuracy", f"Most is lost in {worst.name}: "
             f"{1000 * worst.error:.2f} thousandths of a nat an image.", figures.by_size(found, bits)),
        Plot("rate-distortion", "Bits a weight against error a weight", "Low on the left are layers that hardly "
             "matter; high on the right those that need their bits. The area of a circle is the layer's bytes.",
             figures.rates(found, bits)),
        Table("Layers in numbers", ("layer", "weights", "not zero", "levels", "bytes", "bits/weight", "1/1000 nats"),
              rows, folded=True)))
