"""Which members of the Fire family there are, on which engines, what each would cost, and which are worth a look."""
