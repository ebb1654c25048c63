"""The commands, a file each: options, a call, and what is printed.

What is called is in `firelane`, or where a notebook does not want it, in `firelane.cli.support.work`.
"""
