"""Float ONNX and labelled pictures in, float ONNX for the classes of these pictures out; knows no engine."""
