"""What to change in PyTorch, where a network has an operator that the engine does not have."""

from __future__ import annotations

import re

from firelane.compiler.support.errors import FirelaneError

_RELU = "nn.ReLU, nn.ReLU6 or nn.LeakyReLU in its place, and fine-tune"
_NORM = "nn.BatchNorm2d in its place, which is folded into the convolution before it, and train again"
_POOL = "nn.MaxPool2d, nn.AvgPool2d or nn.AdaptiveAvgPool2d(1) in its place"
_UP = "end the network before it, and enlarge its result in your own program"
_ATTENTION = "a network of convolutions in its place: attention multiplies two maps"

CHANGES = {             # ONNX operator: what to do about it
    **dict.fromkeys(("Celu", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "Mish", "Selu", "Softplus", "Softsign", "Swish",
                     "Tanh", "ThresholdedRelu", "HardSigmoid", "Sigmoid", "Abs", "Pow"), _RELU),
    **dict.fromkeys(("InstanceNormalization", "LayerNormalization", "GroupNormalization", "LRN",
                     "MeanVarianceNormalization", "LpNormalization", "ReduceL2"), _NORM),
    **dict.fromkeys(("LpPool", "GlobalLpPool", "GlobalMaxPool", "ReduceMax", "ReduceSum", "MaxUnpool"), _POOL),
    **dict.fromkeys(("Resize", "Upsample", "ConvTranspose", "DepthToSpace", "GridSample"), _UP),
    **dict.fromkeys(("Einsum", "Attention", "MultiHeadAttention", "ReduceMean"), _ATTENTION),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Loop", "Scan"), "a network without recurrence: one image, one result"),
    **dict.fromkeys(("If", "Where", "NonZero", "NonMaxSuppression", "MaxRoiPool", "RoiAlign"),
                    "what depends on values (if, torch.where, boxes) behind the network, in your own program"),
    **dict.fromkeys(("Split", "Slice", "Gather"),
                    "two convolutions where one result is split, or nn.Conv2d(groups=...)"),
    "Pad": "padding= of the nn.Conv2d or nn.AvgPool2d behind it, in place of nn.ZeroPad2d or F.pad",
    "ArgMax": "leave torch.argmax out of the model: the class is found from its result",
    "Dropout": "model.eval() before torch.onnx.export",
    "BatchNormalization": "model.eval() before torch.onnx.export, so that it is folded",
}
_OPERATOR = re.compile(r"\((\w+)\)$")       #: at the end of where a problem is, see `reader.label`


def change(problem: FirelaneError) -> str:
    """What to change in PyTorch about a node that the importer refused; empty if nothing is known of it.

    >>> change(FirelaneError("norm (LayerNormalization)", "the engine has no such operator"))
    'nn.BatchNorm2d in its place, which is folded into the convolution before it, and train again'
    """
    found = _OPERATOR.search(problem.where)
    return CHANGES.get(found[1], "") if found and "no such operator" in problem.found else ""
