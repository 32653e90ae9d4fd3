"""Keys of services that answer for one, from the environment or a file of their own."""

from pathlib import Path

from pydantic import SecretStr

from keeper.errors import ConfigurationError


def api_key(given: SecretStr | None, file: Path | None) -> SecretStr | None:
    """The key that is given, or the one that stands in the file.

    :raises ConfigurationError: the file cannot be read
    """
    if file is None:
        return given
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"API key file {file} cannot be read ({type(error).__name__}): mend its path"
        ) from None
