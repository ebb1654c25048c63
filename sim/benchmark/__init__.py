"""`make bench`: whole frames through Verilator, speeds of the tools and accuracy, measured and written down.

`cases` says what is measured, `frame` and `accuracy` measure, `records` keeps raw results in build/bench, and
`document` renders docs/benchmarks.md from those that are there.
"""
