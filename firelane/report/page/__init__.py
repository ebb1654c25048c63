"""A report as a page: what it is made of, and how that becomes one HTML file that needs nothing else."""
