"""The words of program and weight memory, and the proof that they are right."""
