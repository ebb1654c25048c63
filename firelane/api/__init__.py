"""The Python API, a file for each function; `firelane` has all of their names.

Here the rooms below are put together: a function takes what a user has (names, files, arrays), calls them in their
order, and returns an object with what they found. The commands in `firelane.cli` call these functions and print.
"""
