"""What must come out, and what does."""
