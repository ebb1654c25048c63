"""The host's side of the link to a board: `docs/host_link.md` is the specification."""
