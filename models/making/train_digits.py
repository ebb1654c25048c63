"""Make the digit SqueezeNets of this folder: train, prune, quantize, write ONNX.

    python -m firelane.models.making.train_digits                    both variants, about twelve minutes on one core
    python -m firelane.models.making.train_digits --variant plain

`python -m firelane.sim.benchmark.record_digits` then measures them and writes `digits.json`.
Training needs torch, which nothing else in the project does: pip install torch. Using the networks does not.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

import onnx

from firelane.models.digits import load_split
from firelane.models.making.digits_net import float_onnx
from firelane.models.making.digits_quantize import quantize, recorded
from firelane.models.making.variants import FOLDER, VARIANTS

__all__ = ["main"]


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m firelane.models.making.train_digits",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=[variant.name for variant in VARIANTS], action="append",
                        help="train only this one (may be repeated); default: all")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the ONNX files")
    parser.add_argument("--epochs", type=int, nargs=3, metavar=("DENSE", "PRUNING", "GRID"),
                        help="lengths of the three phases, for a quick trial")
    return parser


def replace_file(model: onnx.ModelProto, path: Path) -> None:
    """Write `model` beside `path`, then rename, so that a reader never sees half a file."""
    partial = path.with_suffix(".partial")
    onnx.save(model, partial)
    os.replace(partial, path)


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if importlib.util.find_spec("torch") is None:
        print("error: training needs torch, which is not installed; pip install torch", file=sys.stderr)
        return 2
    from firelane.models.making.digits_torch import TrainingPlan, train  # noqa: PLC0415 (torch may be missing)
    phases = ("dense_epochs", "pruning_epochs", "grid_epochs")
    plan = TrainingPlan(**dict(zip(phases, args.epochs or ())))
    train_part, _ = load_split()
    for variant in VARIANTS:
        if args.variant is None or variant.name in args.variant:
            trained = train(train_part, plan, bypass=variant.bypass).exported()
            model = recorded(float_onnx(*trained, bypass=variant.bypass))
            replace_file(model, args.output / variant.float_file)
            replace_file(quantize(model, train_part), args.output / variant.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
