"""Networks Firelane is shown with, the data they are made from, and how they are made."""
