"""The top level of a board with its memories filled: a model, or the key by which its block RAMs are recognised."""

from __future__ import annotations

from boards.board import Board
from boards.top import BoardTop
from compiler.compile import Compiled
from hw.engine import Engine


def board_design(board: Board, images, compiled: Compiled) -> BoardTop:
    """For `board.platform()`; `images` has the members of `compiler.container.ImageFile`.

    What the link must know of the model that runs first is taken from `compiled`.
    """
    engine = Engine(board.engine, program=images.program, weights=images.weights, values=images.values,
                    runs=images.runs, auto_run=True)
    image = compiled.graph.tensors[compiled.graph.input]
    return BoardTop(board, engine, image_bytes=image.channels * image.height * image.width)
