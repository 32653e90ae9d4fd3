"""The breakers' memory: a small JSON file, replaced whole, that a running keeper and a person's command both change."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keeper.errors import ConfigurationError
from keeper.operations.events import Breaker

_LOCK_WAIT_S = 5.0


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tripped(_Row):
    """An open breaker."""

    name: Breaker
    scope: str  # `chain id/address`
    why: str
    at: int  # unix s


class Loss(_Row):
    """What one transaction lost of one vault."""

    at: int  # unix s
    scope: str
    hash: str
    share: int  # WAD of NAV


class State(BaseModel):
    """All that the breakers remember."""

    model_config = ConfigDict(extra="forbid")

    tripped: tuple[Tripped, ...] = ()
    losses: list[Loss] = Field(default_factory=list)
    failures: dict[str, int] = Field(default_factory=dict)  # in a row, by scope


class BreakerFile:
    """Reads and replaces the file; its folder is made with the first change."""

    def __init__(self, file: Path):
        self.file = file

    def read(self) -> State:
        """The state; an empty one where there is no file yet.

        :raises ConfigurationError: the file cannot be read
        """
        try:
            return State.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return State()
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"the breakers' file {self.file} cannot be read ({type(error).__name__}): "
                "look at what is open in it, then mend or delete it"
            ) from None

    @contextmanager
    def changing(self) -> Iterator[State]:
        """The state, held; what is changed of it is on disk when the block ends, and not at all when it raises.

        :raises ConfigurationError: the file cannot be read or written, or somebody holds it
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.file.with_suffix(".lock"), timeout=_LOCK_WAIT_S):
                state = self.read()
                before = state.model_dump_json()
                yield state
                after = state.model_dump_json(indent=1)
                if state.model_dump_json() != before:
                    self._replace(after)
        except Timeout:
            raise ConfigurationError(f"somebody holds the breakers' file {self.file}: try again") from None
        except OSError as error:
            raise ConfigurationError(
                f"the breakers' file {self.file} cannot be written ({error.strerror}): mend its folder"
            ) from None

    def reset(self, address: str) -> tuple[Tripped, ...]:
        """Close the breakers of a vault or an account, on whatever chain, and forget what tripped them; those that were open.

        :raises ConfigurationError: as `changing`
        """
        with self.changing() as state:
            end = f"/{address.lower()}"
            closed = tuple(breaker for breaker in state.tripped if breaker.scope.endswith(end))
            state.tripped = tuple(breaker for breaker in state.tripped if breaker not in closed)
            state.losses[:] = [loss for loss in state.losses if not loss.scope.endswith(end)]
            state.failures = {scope: count for scope, count in state.failures.items() if not scope.endswith(end)}
        return closed

    def _replace(self, text: str) -> None:
        with NamedTemporaryFile("w", dir=self.file.parent, prefix=f".{self.file.name}.", delete=False) as new:
            try:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
                Path(new.name).replace(self.file)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name is on disk too
        finally:
            os.close(folder)
