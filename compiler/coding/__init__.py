"""Numbers to bits and back."""
