"""What a model says about its input, how images follow it, and how it is moved into the first layer."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from firelane.compiler.frame_io.preprocessing import (
    INPUT_KEY,
    Preprocessing,
    preprocessing_of,
    read_pixels,
    record_preprocessing,
)
from firelane.compiler.quantize.fold_preprocessing import can_fold, fold_preprocessing, metadata
from firelane.compiler.support.errors import ModelError
from tests.compiler.small_networks import SIDE, small_model, without_record

CAFFE = Preprocessing(channels="BGR", mean=(104.0, 117.0, 123.0), resize=256)
TORCH = Preprocessing(channels="RGB", mean=(123.675, 116.28, 103.53), scale=(0.0171, 0.0175, 0.0174), resize=37)


class TestRecord:
    @pytest.mark.parametrize("record", [CAFFE, TORCH, Preprocessing(channels="gray"), Preprocessing(scale=(1 / 255,))])
    def test_survives_being_written(self, record):
        again = preprocessing_of({INPUT_KEY: record.to_json()})
        assert np.array_equal(again.per_channel(), record.per_channel())
        assert (again.channels, again.resize) == (record.channels, record.resize)
        assert again.takes_pixels == record.takes_pixels

    def test_is_the_one_of_the_digit_networks(self):
        found = preprocessing_of({INPUT_KEY: '{"layout": "NHWC", "channels": "gray", "scale": 1.0, "mean": [0.0]}'})
        assert found == Preprocessing(channels="gray") and found.takes_pixels

    def test_real_values_and_back(self):
        pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
        assert CAFFE.real(pixels)[0, 0, 1, 2] == pixels[0, 2, 1, 2] - 104
        for record in (CAFFE, TORCH):
            assert np.allclose(record.pixels(record.real(pixels)), pixels, atol=1e-4)

    def test_nothing_recorded(self):
        assert preprocessing_of({"other": "x"}) is None

    @pytest.mark.parametrize("text, message", [
        ("{", r"cannot be understood \(.*\); docs/images.md says what it holds"),
        ("[]", r"cannot be understood \(.*\); docs/images.md says what it holds"),
        ("{}", r"cannot be understood \('channels'\); docs/images.md says what it holds"),
        ('{"channels": "RGB", "resize": 2.5}', r"cannot be understood \(resize is not a whole number\); .*"),
        ('{"channels": "RGB", "mean": [1, 2]}', r"mean \[1.0, 2.0\]; one finite number, or one per channel"),
        ('{"channels": "RGB", "scale": 0}', r"scale 0; real input = \(pixel - mean\) \* scale"),
        ('{"channels": "RGB", "scale": NaN}', r"scale \[nan\]; one finite number, or one per channel")])
    def test_nonsense_is_refused(self, text, message):
        with pytest.raises(ModelError, match=f"^metadata {INPUT_KEY}: {message}$"):
            preprocessing_of({INPUT_KEY: text})

    def test_recording_replaces_only_its_own_entry(self):
        model = small_model()
        model.metadata_props.add(key="other", value="kept")
        found = metadata(record_preprocessing(model, CAFFE))
        assert found["other"] == "kept" and json.loads(found[INPUT_KEY])["channels"] == "BGR"
        assert json.loads(metadata(model)[INPUT_KEY])["channels"] == "RGB"


class TestReadPixels:
    def picture(self, tmp_path, width: int, height: int, name: str = "a.png"):
        """Red is the column, green the row."""
        rows, columns = np.mgrid[:height, :width]
        Image.fromarray(np.stack([columns, rows, rows * 0], axis=-1).astype(np.uint8)).save(tmp_path / name)
        return tmp_path / name

    def test_own_size_is_not_touched(self, tmp_path):
        pixels = read_pixels(self.picture(tmp_path, 10, 8), 3, 8, 10, resize=20)
        assert pixels[0, 3, 7] == 7 and pixels[1, 3, 7] == 3

    def test_centre_is_taken_as_caffe_does(self, tmp_path):
        pixels = read_pixels(self.picture(tmp_path, 256, 256), 3, 227, 227, resize=256)
        assert (pixels[0, 0, 0], pixels[1, 0, 0], pixels[0, 0, 226]) == (14, 14, 240)

    def test_longer_side_is_cut_and_shorter_side_scaled(self, tmp_path):
        pixels = read_pixels(self.picture(tmp_path, 200, 100), 3, 50, 50, resize=50)
        assert pixels.shape == (3, 50, 50)
        assert abs(int(pixels[0, 25, 25]) - 101) <= 1 and abs(int(pixels[1, 25, 25]) - 51) <= 1

    def test_gray_images(self, tmp_path):
        assert read_pixels(self.picture(tmp_path, 4, 3), 1, 3, 4).shape == (1, 3, 4)


class TestFold:
    @pytest.mark.parametrize("record", [CAFFE, TORCH], ids=["caffe", "torchvision"])
    def test_pixels_do_what_the_normalised_image_did(self, record):
        model = small_model(record=record)
        folded = fold_preprocessing(model)
        pixels = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
        before, after = (onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
                         for m in (model, folded))
        wanted = before.run(None, {"image": record.real(pixels)[None]})[0]
        assert np.allclose(after.run(None, {"image": pixels[None].astype(np.float32)})[0], wanted, atol=1e-4)
        found = preprocessing_of(metadata(folded))
        assert found.takes_pixels and (found.channels, found.resize) == ("RGB", record.resize)
        assert metadata(model)[INPUT_KEY] == record.to_json()

    def test_convolution_without_a_bias_gets_one(self):
        model = small_model(record=CAFFE)
        del model.graph.node[0].input[2]
        folded = fold_preprocessing(model)
        onnx.checker.check_model(folded, full_check=True)
        assert len(folded.graph.node[0].input) == 3

    @pytest.mark.parametrize("model", [small_model(record=CAFFE, pad=1), without_record(small_model())],
                             ids=["padded", "no record"])
    def test_where_it_is_not_exact_nothing_changes(self, model):
        assert not can_fold(model) and fold_preprocessing(model) is model
