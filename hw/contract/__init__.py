"""All that software may know of the engine: its parameters, instructions, registers, latencies and link protocol."""
