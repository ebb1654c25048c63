"""Float ONNX in, QDQ ONNX out; knows no engine."""
