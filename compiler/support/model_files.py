"""Files that people take for models of ours, and how each kind becomes one."""

from __future__ import annotations

_PYTORCH = "export the network from PyTorch: torch.onnx.export(model.eval(), (image,), 'net.onnx')"
_TENSORFLOW = "convert it first, with tf2onnx: see docs/models.md"

#: what to do, by the end of the name
OTHER_KINDS = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors"), _PYTORCH),
    **dict.fromkeys((".tflite", ".h5", ".keras", ".pb"), _TENSORFLOW),
}
