"""From compressed bits to taps: a weight, the channel that it reads, and the pixels that it is multiplied with."""
