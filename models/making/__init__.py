"""Scripts that make the embedded networks; nothing imports them."""
