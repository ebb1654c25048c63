"""The command line: `main` knows the commands, `commands` has a file for each, `support` what they share."""
