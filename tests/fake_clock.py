"""A clock for what waits and grows older."""

import pytest


class Clock:
    """Seconds that pass only when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock; a test file that imports this fixture offers it."""
    return Clock()
