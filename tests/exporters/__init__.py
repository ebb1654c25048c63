"""Graphs as exporters and quantizers write them, made on the spot; docs/models.md says what becomes of them.

`python -m tests.exporters` is `make exporters`. The files `from_*.py` are run by the Python of another environment and
import only their tool, numpy, onnx and `recipe`; `judge` reads what they made with the project.
"""
