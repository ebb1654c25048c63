"""Networks to compare SqueezeNet with, from the layer tables of their papers, as float ONNX graphs."""
