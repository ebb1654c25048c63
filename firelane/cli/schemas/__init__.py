"""JSON Schema of what each command prints with --json, a file for each command (draft 2020-12)."""
