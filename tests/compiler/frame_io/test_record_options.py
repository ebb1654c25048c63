"""What options make of a record, and of the model or graph that has it."""

import onnx
import pytest

from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing, preprocessing_of
from firelane.compiler.frame_io.presets import preset_record
from firelane.compiler.frame_io.record_options import changed_record, graph_with_record, overridden
from firelane.compiler.frame_io.recorded_model import load_recorded, with_record
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.models.catalogue import EMBEDDED
from tests.compiler.frame_io.test_preprocessing import graph_for
from tests.compiler.small_networks import small_model, without_record

NOTHING = dict.fromkeys(("preset", "channels", "mean", "scale", "resize"))
PHOTO, GRAY = (3, 224, 224), (1, 56, 56)
TORCH = Preprocessing(mean=(124.0, 116.0, 104.0), scale=(0.0171, 0.0175, 0.0174), resize=256)


@pytest.mark.parametrize("options, expected", [
    ({}, TORCH), (NOTHING, TORCH), ({"resize": 300}, Preprocessing(mean=TORCH.mean, scale=TORCH.scale, resize=300)),
    ({"mean": "1,2,3", "scale": 0.5}, Preprocessing(mean=(1.0, 2.0, 3.0), scale=(0.5,), resize=256)),
    ({"mean": [0, 1, 2], "channels": "BGR"}, Preprocessing(channels="BGR", mean=(0.0, 1.0, 2.0), scale=TORCH.scale,
                                                           resize=256))])
def test_what_is_not_said_stays(options, expected):
    assert changed_record(TORCH, PHOTO, options) == expected


@pytest.mark.parametrize("recorded", [None, TORCH])
def test_a_preset_says_everything_and_what_is_said_beside_it_counts(recorded):
    raw = Preprocessing(mean=(0.0,), scale=(1.0,), resize=224)
    assert changed_record(recorded, PHOTO, {**NOTHING, "preset": "raw"}) == raw
    assert changed_record(recorded, PHOTO, {"preset": "raw", "scale": "0.5", "resize": 300}) == Preprocessing(
        scale=(0.5,), resize=300)
    caffe = changed_record(recorded, PHOTO, {"preset": "caffe", "channels": "RGB"})
    assert caffe == Preprocessing(channels="RGB", mean=(123.0, 117.0, 104.0), resize=256)


def test_a_preset_that_contradicts_is_named():
    said = "mean 124,116,104, scale 0.0171,0.0175,0.0174"
    record = {INPUT_KEY: TORCH.to_json()}
    assert overridden(record, PHOTO, {"preset": "raw", "resize": 300}) == (
        f"--preset raw, --resize 300 counts, in place of what the model records: {said}, resize 256")
    assert overridden(record, PHOTO, {"preset": "raw", "mean": 0, "resize": 256}) == (
        f"--preset raw, --mean 0 counts, in place of what the model records: {said}")
    assert overridden({INPUT_KEY: preset_record("caffe", PHOTO).to_json()}, PHOTO, {"preset": "caffe"}) == ""


def test_a_new_record():
    assert changed_record(None, PHOTO, NOTHING) is None
    assert changed_record(None, PHOTO, {"scale": "0.5"}) == Preprocessing(scale=(0.5,))
    assert changed_record(None, GRAY, {"scale": "0.5"}) == Preprocessing(channels="gray", scale=(0.5,))


@pytest.mark.parametrize("value", ["a", "1,,2", [None], object()])
def test_numbers_that_are_none(value):
    with pytest.raises(ConfigError, match="^mean: .*; one number, or several with commas between$"):
        changed_record(None, PHOTO, {"mean": value})


@pytest.mark.parametrize("options, said", [
    ({}, ""), (NOTHING, ""), ({"mean": "124,116,104"}, ""), ({"resize": 256}, ""),
    ({"resize": 99}, "--resize 99 counts, in place of what the model records: resize 256"),
    ({"mean": "0", "scale": "0.5,0.5,0.5"}, "--mean 0, --scale 0.5 counts, in place of what the model records: mean "
                                            "124,116,104, scale 0.0171,0.0175,0.0174"),
    ({"channels": "BGR", "resize": 256}, "--channels BGR counts, in place of what the model records: channels RGB")])
def test_what_is_contradicted_is_said(options, said):
    assert overridden({INPUT_KEY: TORCH.to_json()}, PHOTO, options) == said
    assert overridden({}, PHOTO, options) == ""


def test_what_is_added_contradicts_nothing():
    assert overridden({INPUT_KEY: Preprocessing().to_json()}, PHOTO, {"resize": 256}) == ""


def test_models_and_graphs():
    silent = without_record(small_model())
    assert with_record(silent, NOTHING) is silent
    made = with_record(silent, {"scale": "0.5", "resize": 40})
    assert preprocessing_of(metadata(made)) == Preprocessing(mean=(0.0,) * 3, scale=(0.5,), resize=40)
    assert INPUT_KEY not in metadata(silent)
    graph = graph_for(scale=0.25)
    assert graph_with_record(graph, NOTHING) is graph
    found = preprocessing_of(graph_with_record(graph, {"scale": 0.25}).metadata)
    assert found == Preprocessing(mean=(0.0,) * 3, scale=(0.25,))


def test_what_does_not_fit_is_refused_when_it_is_said():
    digits = EMBEDDED["digits"]
    assert preprocessing_of(load_recorded(digits, {"resize": 60}).metadata).resize == 60
    for options, found in (({"channels": "RGB"}, "^channels: RGB, the input has 1; gray, or leave it out$"),
                           ({"scale": 0.01}, "4 of its 256")):
        with pytest.raises(FirelaneError, match=found):
            load_recorded(digits, options)
        with pytest.raises(FirelaneError, match=found):
            graph_with_record(load_recorded(digits, {}), options)


def test_what_the_model_records_and_does_not_fit_is_refused_without_options():
    record = {INPUT_KEY: Preprocessing(channels="RGB").to_json()}
    model = onnx.load(EMBEDDED["digits"])
    onnx.helper.set_model_props(model, record)
    with pytest.raises(FirelaneError, match="channels RGB, the input has 1; correct it with --channels"):
        load_recorded(model, {})
    assert preprocessing_of(load_recorded(model, {"channels": "gray"}).metadata).channels == "gray"
