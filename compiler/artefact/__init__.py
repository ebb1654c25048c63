"""The folder that `firelane compile` writes: how it is written and how it is read."""
