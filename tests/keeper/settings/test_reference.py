"""The settings' reference page names every setting and no other."""

import re
from pathlib import Path

from pydantic import BaseModel

from keeper.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def names(model: type[BaseModel]) -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        group = isinstance(kind, type) and issubclass(kind, BaseModel)
        found |= names(kind) if group else {name}
    return found


def test_reference__names_every_setting_and_no_other() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names(Settings)
