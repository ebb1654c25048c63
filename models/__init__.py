"""Networks by name, the data that they are made from, and how they are made."""
