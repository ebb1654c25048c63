"""The forms in which the parameters of a layer's output channels are stored: the smallest that loses nothing.

`hw.contract.instruction.ParameterForm` says what a form can express. `nearest_scales` and `nearest_biases` are for
whoever is free to choose scales and biases: on their grid, a channel costs 9 or 18 bits in place of 45.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.compiler.coding.bit_fields import field_table, pack
from firelane.compiler.ir.graph import SHIFT_MAX, Requantize
from firelane.compiler.ir.quantization import multipliers_and_shifts
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import MULTIPLIER_BITS, PARAMETER_CHUNK_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    BIAS_SHIFT_BITS,
    FRACTION_BITS,
    OFFSET_BITS,
    ParameterForm,
    record_chunks,
    record_layout,
)

BIAS_TOLERANCE = 1 / 16         #: error of a bias, in steps of the layer's output, that changes next to nothing
_TOP = 1 << (MULTIPLIER_BITS - 1)                               # the bit of a multiplier that is not stored
_FRACTION_STEP = 1 << (MULTIPLIER_BITS - 1 - FRACTION_BITS)     # of a scaled record's multiplier
_OFFSETS = 1 << OFFSET_BITS
_BIAS_SHIFTS = range(1 << BIAS_SHIFT_BITS)

SCALED_FORMS = (ParameterForm.SCALED_1, ParameterForm.SCALED_2, ParameterForm.SCALED_3)
SHORT_FORMS = (ParameterForm.BIAS_1, ParameterForm.SCALED_1, ParameterForm.BIAS_2, ParameterForm.SCALED_2,
               ParameterForm.BIAS_3, ParameterForm.SCALED_3)    #: the smallest first


@dataclass(frozen=True, eq=False)
class StoredParameters:
    """Parameters in a `form`: `numbers` for the descriptor, and `bits` (uint8 0 or 1) of the parameter stream."""

    form: ParameterForm
    numbers: dict[str, int]
    bits: np.ndarray

    @property
    def fields(self) -> dict[str, int | ParameterForm]:
        """The fields of the descriptor."""
        return {"parameters": self.form, **self.numbers}


def store_parameters(requantize: Requantize, channels: int, cfg: EngineConfig, where: str) -> StoredParameters:
    """The parameters of `channels` output channels in the smallest form.

    Raises
    ------
    CapacityError
        If a number does not fit even the full form, naming `where`.
    """
    bias = np.broadcast_to(requantize.bias, channels)
    multiplier = np.broadcast_to(requantize.multiplier, channels)
    shift = np.broadcast_to(requantize.shift, channels)
    if is_constant(requantize):
        numbers = {"bias": int(bias[0]), "multiplier": int(multiplier[0]), "shift": int(shift[0])}
        return StoredParameters(ParameterForm.CONSTANT, numbers, np.zeros(0, np.uint8))
    for form in SHORT_FORMS:
        short = _short_records(form, bias, multiplier, shift)
        if short:
            numbers, records = short
            return StoredParameters(form, numbers, _record_bits(form, records, cfg, where))
    if (multiplier == 0).any():
        raise CapacityError(where, f"the multiplier of output channel {int(np.argmin(multiplier))} is 0",
                            hint="a layer whose channels have parameters of their own needs multipliers above 0")
    records = {"shift": shift, "fraction": multiplier - _TOP, "bias": bias}
    return StoredParameters(ParameterForm.FULL, {}, _record_bits(ParameterForm.FULL, records, cfg, where))


def is_constant(requantize: Requantize) -> bool:
    """Whether all channels have the same parameters."""
    return all((array == array[0]).all() for array in (requantize.bias, requantize.multiplier, requantize.shift))


def nearest_scales(scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers and shifts (int64 (C,) each) nearest to `scales` (float64 (C,), above 0) that a scaled record holds.

    Off by at most 1/64, except that a scale below 2**-7 of the layer's greatest is raised to about that.
    """
    multiplier, shift = multipliers_and_shifts(scales)
    fraction = (multiplier - _TOP + _FRACTION_STEP // 2) // _FRACTION_STEP
    carry = fraction == 1 << FRACTION_BITS
    fraction, shift = np.where(carry, 0, fraction), shift - carry
    last = min(int(shift.min()) + _OFFSETS - 1, SHIFT_MAX)
    fraction = np.where((shift > last) | (multiplier == 0), 0, fraction)
    return _TOP + fraction * _FRACTION_STEP, np.where(multiplier == 0, last, np.minimum(shift, last))


def nearest_biases(biases: np.ndarray, multiplier: np.ndarray, shift: np.ndarray,
                   tolerance: float = BIAS_TOLERANCE) -> np.ndarray:
    """The biases (int64 (C,)) nearest to `biases` (float64 (C,), in steps of the accumulator) in the smallest form.

    `multiplier`, `shift` int64 (C,) are of `nearest_scales`. The form is the smallest scaled one in which no bias is
    off by more than `tolerance` steps of the output; if there is none, every bias is rounded to an integer.
    """
    biases = np.asarray(biases, np.float64)
    scales = multiplier / np.exp2(shift)
    offset = shift - shift.min()
    for form in SCALED_FORMS:
        low, high = _bias_range(form)
        for bias_shift in _BIAS_SHIFTS:
            steps = np.exp2(bias_shift + offset)
            rounded = np.rint(biases / steps)
            if low <= rounded.min() and rounded.max() <= high:
                found = rounded * steps
                if (np.abs(found - biases) * scales).max() <= tolerance:
                    return found.astype(np.int64)
                break               # a larger step is no better
    return np.rint(biases).astype(np.int64)


def _bias_range(form: ParameterForm) -> tuple[int, int]:
    """Least and greatest bias of a short record."""
    bits = (form.value & 3) * PARAMETER_CHUNK_BITS - (OFFSET_BITS + FRACTION_BITS if form in SCALED_FORMS else 0)
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _short_records(form: ParameterForm, bias: np.ndarray, multiplier: np.ndarray,
                   shift: np.ndarray) -> tuple[dict[str, int], dict[str, np.ndarray]] | None:
    """Descriptor fields and record fields (int64 (C,) each) in a short form; None if that would lose something."""
    base, offset = int(shift.min()), shift - shift.min()
    records: dict[str, np.ndarray] = {}
    if form in SCALED_FORMS:
        fraction, rest = np.divmod(multiplier - _TOP, _FRACTION_STEP)
        if (fraction < 0).any() or rest.any() or offset.max() >= _OFFSETS:
            return None
        fields, records = {"shift": base}, {"offset": offset, "fraction": fraction}
    elif offset.any() or (multiplier != multiplier[0]).any():
        return None
    else:
        fields = {"shift": base, "multiplier": int(multiplier[0])}
    low, high = _bias_range(form)
    for bias_shift in _BIAS_SHIFTS:
        if (bias & (1 << (bias_shift + offset)) - 1).any():
            return None
        short = bias >> (bias_shift + offset)
        if low <= short.min() and short.max() <= high:
            return fields | {"bias_shift": bias_shift}, records | {"bias": short}
    return None


def _record_bits(form: ParameterForm, records: dict[str, np.ndarray], cfg: EngineConfig, where: str) -> np.ndarray:
    """The parameter stream: a record a channel, each padded to whole chunks."""
    fields, width = field_table(record_layout(form, cfg)), record_chunks(form, cfg) * PARAMETER_CHUNK_BITS
    items = [pack(fields, dict(zip(records, values)), where) for values in zip(*(a.tolist() for a in records.values()))]
    return np.array([(item >> bit) & 1 for item in items for bit in range(width)], np.uint8)
