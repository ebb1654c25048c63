"""Tests of reports: the data of their plots, the page, and how a browser sees it."""
