"""What an ECP5 allows: slices, carry chains, sites of blocks."""
