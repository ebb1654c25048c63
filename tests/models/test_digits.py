"""The digit data set and the committed networks made from it. No torch needed."""

import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.models.digits import load_split, to_network_input
from firelane.models.drawn_digits import Digits
from firelane.models.making.digits_quantize import recorded
from firelane.models.making.variants import FOLDER, VARIANTS
from firelane.sim.benchmark.record_digits import accuracy, densities, int8_weights, reference_accuracy

QDQ_BYTES_MAX = 200_000
FLOAT_BYTES_MAX = 300_000
ACCURACY_MIN = 0.97
DENSITY_3X3_MAX = 0.40
CODEBOOK_MAX = 31

every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)


@pytest.fixture(scope="module")
def facts() -> dict:
    return json.loads((FOLDER / "digits.json").read_text())


def load(variant) -> onnx.ModelProto:
    return onnx.load(FOLDER / variant.file)


class TestSplit:
    def test_parts_do_not_overlap_and_leave_nothing_out(self):
        train, held_out = load_split()
        both = np.concatenate([train.index, held_out.index])
        assert sorted(both) == list(range(1797))
        assert (len(train), len(held_out)) == (1437, 360)

    def test_every_class_keeps_its_share(self):
        for part in load_split():
            assert np.allclose(np.bincount(part.labels) / len(part), 0.1, atol=0.01)

    def test_is_the_split_that_the_networks_were_trained_on(self, facts):
        load_split.cache_clear()
        _, held_out = load_split()
        found = hashlib.sha256(held_out.images.tobytes() + held_out.labels.tobytes()).hexdigest()
        assert found == facts["held_out_sha256"]
        assert len(held_out) == facts["held_out_images"]

    def test_images_are_read_only_pixels_of_full_range(self):
        train, _ = load_split()
        assert (train.images.min(), train.images.max()) == (0, 255)
        with pytest.raises(ValueError, match="read-only"):
            train.images[0] = 0

    def test_network_input_is_the_pixels_channels_first(self):
        _, held_out = load_split()
        inputs = to_network_input(held_out.images[:3])
        assert inputs.shape == (3, 1, 56, 56) and inputs.dtype == np.float32
        assert np.array_equal(inputs[:, 0], held_out.images[:3, :, :, 0])

    def test_wrong_images_are_refused(self):
        labels = np.zeros(2, np.int64)
        with pytest.raises(ValueError, match=r"^images must be uint8 \(2, 56, 56, 1\), not float64 \(2, 8, 8\)$"):
            Digits(images=np.zeros((2, 8, 8)), labels=labels, index=labels)


@every_variant
class TestCommittedNetwork:
    def test_is_small(self, variant):
        assert (FOLDER / variant.file).stat().st_size <= QDQ_BYTES_MAX
        assert (FOLDER / variant.float_file).stat().st_size <= FLOAT_BYTES_MAX

    def test_passes_the_onnx_checker(self, variant):
        for name in (variant.file, variant.float_file):
            onnx.checker.check_model(FOLDER / name, full_check=True)

    def test_is_the_file_that_was_measured(self, variant, facts):
        recorded = facts["networks"][variant.name]
        for name, key in ((variant.file, "sha256"), (variant.float_file, "float_sha256")):
            assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == recorded[key], name

    def test_names_the_held_out_digits(self, variant, facts):
        found = accuracy(FOLDER / variant.file, load_split()[1])
        assert found >= ACCURACY_MIN
        assert found == pytest.approx(facts["networks"][variant.name]["accuracy_onnxruntime"], abs=0.006)

    def test_names_them_as_well_in_integers(self, variant, facts):
        _, held_out = load_split()
        few = Digits(held_out.images[:60], held_out.labels[:60], held_out.index[:60])
        assert reference_accuracy(FOLDER / variant.file, few) >= ACCURACY_MIN
        assert facts["networks"][variant.name]["accuracy_reference"] >= ACCURACY_MIN

    def test_3x3_layers_are_sparse(self, variant, facts):
        weights = int8_weights(load(variant))
        found = densities(weights)
        sparse = {name: found[name] for name in weights if name.endswith("/expand3x3")}
        assert len(sparse) == 6 and max(sparse.values()) <= DENSITY_3X3_MAX
        assert found == facts["networks"][variant.name]["density"]

    def test_every_layer_fits_one_codebook(self, variant):
        for name, values in int8_weights(load(variant)).items():
            assert values.dtype == np.int8
            assert len(np.unique(values)) <= CODEBOOK_MAX, name

    def test_raw_pixels_are_the_quantized_input(self, variant):
        model = load(variant)
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        first = next(node for node in model.graph.node if list(node.input[:1]) == ["image"])
        scale, zero_point = (constants[name] for name in first.input[1:])
        assert first.op_type == "QuantizeLinear" and scale == 1.0
        assert zero_point == 0 and zero_point.dtype == np.uint8

    def test_records_its_preprocessing(self, variant):
        """So does the float network that it was made of."""
        float_network = onnx.load(FOLDER / variant.float_file)
        for model in (load(variant), float_network):
            assert preprocessing_of(metadata(model)) == Preprocessing(channels="gray", mean=(0.0,))
        assert recorded(float_network).SerializeToString() == float_network.SerializeToString()
