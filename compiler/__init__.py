"""ONNX to program images. Of `hw` it imports only the contract."""
