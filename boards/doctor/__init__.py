"""Whether this machine has what Firelane needs, and what to do where it has not."""
