"""SqueezeNet beside the networks that it is compared with, on one engine: `make compare` writes docs/comparison.md."""
