"""The worlds of the end-to-end tests: as those of the unit tests, built once per session."""

from unit.conftest import build, odd_world, still, terse

__all__ = ["build", "odd_world", "still", "terse"]
