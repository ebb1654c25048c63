"""SqueezeNet inside one FPGA: quantize, compress, compile, simulate, evaluate.

A network, by name or from an ONNX file, is compiled for the engine of a board; what fits, and what a frame costs, is
known then:

>>> import firelane
>>> network = firelane.load("digits")
>>> network.input_shape, network.classes
((1, 56, 56), 10)
>>> compiled = firelane.compile(network, board="ulx3s_85f")
>>> compiled.fits, compiled.cycles, compiled.rom_bytes
(True, 35875, 27893)

`compiled.save("build/digits")` writes what `firelane run` and `firelane load` take. Where a network does not fit, `fit`
says why, for one board or for all:

>>> for fit in firelane.fit(network, "ulx3s_25f", "ulx3s_12f"):
...     print(fit.board, fit.reason or round(fit.frames_per_second, 1))
ulx3s_25f 698.9
ulx3s_12f the engine needs 19,700 LUT of 12,000

What it says of images, to the last bit: by the integer reference, or by the emulator, which runs the words of the
program and so knows the cycles:

>>> import numpy
>>> image = numpy.full((56, 56), 128, numpy.uint8)
>>> network.predict(image).best, compiled.predict(image).best, compiled.predict(image).cycles
(1, 1, 35875)

The Verilog of the engine, simulated; every result byte is compared with the integer reference:

>>> simulation = firelane.simulate(network, images=2)
>>> simulation.cycles, simulation.correct, simulation.results.shape
(35891, 2, (2, 10, 1, 1))

A board at a serial port is `firelane.Board("auto")`. Without one, the same top level runs as a program:

>>> with firelane.simulated_board(network) as board:
...     found = board.run([image, image])
>>> [frame.best for frame in found], found[0].cycles
([1, 1], 35022)

The question before all work, on a network of any size, float as it comes from training or quantized: where it fits, and
what to change if nowhere:

>>> firelane.estimate(network).answer
'fits ecpix5_85f at 51.3 frames/s end to end (limited by the line; the engine alone: 3,623.7), and 7 more of 9 boards'

A float network of your own begins with `firelane.quantize("net.onnx", "calibration/")`, which can be saved, compiled,
simulated and evaluated like any other; `firelane.compress` makes it smaller.

`firelane.train("photographs/", "net.onnx")` has it learn the classes of your own images first.

`firelane.build("net.onnx", "ulx3s_85f", "images/")` does all of that in its order, says what it lost, and makes again
only what has changed.

Everything that a user can mend is a `FirelaneError`: where, what was found there, and what to do. The command line,
`firelane --help`, calls these functions; docs/architecture.md says how the engine works.
"""

from typing import TYPE_CHECKING

from firelane.lazy import lazy_names

if TYPE_CHECKING:
    from firelane.api.board import Board, BoardInfo
    from firelane.api.build import BuiltNetwork, build
    from firelane.api.compile import CompiledNetwork, compile
    from firelane.api.compress import CompressedNetwork, compress
    from firelane.api.estimate import Estimate, estimate
    from firelane.api.evaluate import evaluate
    from firelane.api.explore import Exploration, explore
    from firelane.api.fit import fit
    from firelane.api.network import Network, load
    from firelane.api.predict import Prediction
    from firelane.api.quantize import QuantizedNetwork, quantize
    from firelane.api.simulate import Simulation, simulate
    from firelane.api.simulated_board import simulated_board
    from firelane.api.train import TrainedNetwork, train
    from firelane.boards.report.board_fit import Fit
    from firelane.compiler.support.errors import FirelaneError, MismatchError
    from firelane.sim.evaluate.result import Evaluation

__all__ = ["Board", "BoardInfo", "BuiltNetwork", "CompiledNetwork", "CompressedNetwork", "Estimate", "Evaluation",
           "Exploration", "FirelaneError", "Fit", "MismatchError", "Network", "Prediction", "QuantizedNetwork",
           "Simulation", "TrainedNetwork", "build", "compile", "compress", "estimate", "evaluate", "explore", "fit",
           "load", "quantize", "simulate", "simulated_board", "train"]

__getattr__, __dir__ = lazy_names(__name__, {
    "firelane.api.board": ["Board", "BoardInfo"],
    "firelane.api.build": ["BuiltNetwork", "build"],
    "firelane.api.compile": ["CompiledNetwork", "compile"],
    "firelane.api.compress": ["CompressedNetwork", "compress"],
    "firelane.api.estimate": ["Estimate", "estimate"],
    "firelane.api.evaluate": ["evaluate"],
    "firelane.api.explore": ["Exploration", "explore"],
    "firelane.api.fit": ["fit"],
    "firelane.api.network": ["Network", "load"],
    "firelane.api.predict": ["Prediction"],
    "firelane.api.quantize": ["QuantizedNetwork", "quantize"],
    "firelane.api.simulate": ["Simulation", "simulate"],
    "firelane.api.simulated_board": ["simulated_board"],
    "firelane.api.train": ["TrainedNetwork", "train"],
    "firelane.boards.report.board_fit": ["Fit"],
    "firelane.compiler.support.errors": ["FirelaneError", "MismatchError"],
    "firelane.sim.evaluate.result": ["Evaluation"],
})
