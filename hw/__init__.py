"""The engine in Amaranth; it imports nothing else of the project."""
