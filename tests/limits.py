"""How long a test waits: until it has happened. The runner ends a hang (`faulthandler_timeout` in pyproject.toml)."""

FOREVER = 7 * 24 * 3600         #: for what wants a number of seconds
