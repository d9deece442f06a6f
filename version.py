"""Which Callboard this is: what pyproject.toml, `callboard.ping` and the generated contract say."""

VERSION = "0.1.0"
