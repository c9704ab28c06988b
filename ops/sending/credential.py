"""Who sends: `--key` and `--write-key`, and the header that they become."""

from pathlib import Path
from typing import Final

import click

key_option: Final = click.option("--key", help="A secret API key or a signed token, or @FILE that holds it.")
write_key_option: Final = click.option("--write-key", help="A public write key, as pages hold it, or @FILE.")


def credential(key: str | None, write_key: str | None = None) -> dict[str, str]:
    """The header that says who sends. Raises click.UsageError for two keys, and for what is none."""
    if key and write_key:
        raise click.UsageError("--key and --write-key: a request brings one of them")
    if key:
        return {"Authorization": f"Bearer {_text_of(key, '--key')}"}
    if write_key:
        return {"X-Write-Key": _text_of(write_key, "--write-key")}
    return {}


def _text_of(given: str, option: str) -> str:
    text = given
    if given.startswith("@"):
        try:
            text = Path(given[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{given[1:]} cannot be read ({error})", param_hint=option) from None
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable():
        raise click.BadParameter("that is no key: one line of plain characters", param_hint=option)
    return text
