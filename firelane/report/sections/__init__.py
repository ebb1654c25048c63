"""The sections of reports: which plots and tables show a result, and in words what to see in them."""
