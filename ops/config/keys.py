"""`ugc keys`: who may send and who may ask, once UGC_AUTH_REQUIRED is set."""

from datetime import datetime
from typing import Any

import click
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from ops.terminal import console
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load
from ugc_api.access.key_file import KeyFile
from ugc_api.access.keys import (
    NAME_CHARS_MAX,
    ORIGINS_MAX,
    PER_MINUTE_MAX,
    Key,
    Kind,
    Token,
    hashed,
    new_token,
)
from ugc_api.access.origins import parsed
from ugc_api.access.scopes import Scope


class NoSuchKey(OperatorError):  # noqa: N818 - what happened, said to a person
    """The key named is not there, or was revoked before."""


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that open the collector when UGC_AUTH_REQUIRED is set.

    A write key is public: for web pages and apps, it sends events and nothing else. An API key is secret: for
    servers and analysts. Every change counts in the running collector within a second or two.

    Every verb takes --json.

    \b
    Examples:
      ugc keys create shop --write --origin https://shop.example.com
      ugc keys create reports --api --scope read
      ugc keys list
      ugc keys revoke k3v9…
    """


@keys.command()
@click.argument("name")
@click.option("--write", "kind", flag_value=Kind.WRITE, help="A public key that sends events.")
@click.option("--api", "kind", flag_value=Kind.API, help="A secret key.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([str(scope) for scope in Scope]),
    help="What an API key may do; may be repeated. admin may do everything.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Web page a write key is for, like https://shop.example.com or https://*.example.com; "
    "may be repeated. Default: every page.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(1, PER_MINUTE_MAX),
    help="Events the key may send a minute, whatever addresses they come from. Default: no quota of its own.",
)
@console.json_option
def create(**options: Any) -> None:
    """Make a key called NAME and show it: this once, only its hash is kept.

    \b
    Examples:
      ugc keys create shop --write --origin https://shop.example.com --per-minute 60000
      ugc keys create importer --api --scope write
      ugc keys create reports --api --scope read --json
    """
    token = new_token()
    key = _made(token, options, SystemClock())
    _file().change(lambda there: (*there, key))
    if options["as_json"]:
        console.print_json({**_shown(key), "key": str(token)})
        return
    out = console.out()
    # Alone on its line and whole, so that it can be copied; the rest goes beside it.
    out.print(str(token), soft_wrap=True, markup=False)
    beside = f"{_how_to_use(key)} It is not shown again; `ugc keys revoke {key.id}` ends it."
    console.err().print(f"[dim]{beside}[/]", soft_wrap=True)


@keys.command(name="list")
@click.option("--revoked", is_flag=True, help="Also those that were revoked.")
@console.json_option
def list_(revoked: bool, as_json: bool) -> None:
    """List the keys, without their secrets, which nobody has.

    \b
    Examples:
      ugc keys list
      ugc keys list --revoked --json
    """
    found = [key for key in _file().read() if revoked or key.revoked_at is None]
    if as_json:
        console.print_json({"keys": [_shown(key) for key in found]})
    elif not found:
        console.out().print("no keys; `ugc keys create` makes one")
    else:
        console.out().print(_table(found))


@keys.command()
@click.argument("key_id", metavar="ID")
@console.json_option
def revoke(key_id: str, as_json: bool) -> None:
    """End a key: the running collector refuses it within a second or two, for ever.

    \b
    Example:
      ugc keys revoke k3v9m2x7pq
    """
    from ugc_api.access.keyring import LOOK_EVERY_S  # noqa: PLC0415 - help is instant

    now = SystemClock().now()
    _file().change(lambda there: _without(there, key_id, now))
    if as_json:
        console.print_json({"id": key_id, "revoked_at": _iso(now)})
    else:
        console.out().print(f"{escape(key_id)} is revoked; refused within {LOOK_EVERY_S:.0f} s")


def _file() -> KeyFile:
    return KeyFile.of(load(Settings).data_dir)


def _made(token: Token, options: dict[str, Any], clock: Clock) -> Key:
    """The key the options ask for. Raises click.UsageError."""
    kind, scopes = options["kind"], options["scopes"]
    if kind is None:
        raise click.UsageError("say which kind: --write for pages and apps, --api for servers and people")
    if kind == Kind.WRITE and scopes:
        raise click.UsageError("a write key sends events and nothing else: leave out --scope, or use --api")
    if kind == Kind.API and not scopes:
        raise click.UsageError("say what the key may do: --scope write, --scope read or --scope admin")
    if kind == Kind.API and options["origins"]:
        raise click.UsageError("an API key has no business in a web page: leave out --origin, or use --write")
    try:
        return Key(
            id=token.id,
            kind=kind,
            name=options["name"],
            secret_sha256=hashed(token.secret),
            scopes=frozenset(scopes or (Scope.WRITE,)),
            origins=tuple(dict.fromkeys(_origin(each) for each in options["origins"])),
            per_minute=options["per_minute"],
            created_at=clock.now(),
        )
    except ValidationError:
        raise click.UsageError(
            f"a name has {NAME_CHARS_MAX} characters at most, and a key {ORIGINS_MAX} origins"
        ) from None


def _origin(text: str) -> str:
    try:
        return parsed(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="'--origin'") from None


def _without(there: tuple[Key, ...], key_id: str, now: datetime) -> tuple[Key, ...]:
    """The keys with this one revoked. Raises NoSuchKey."""
    key = next((each for each in there if each.id == key_id), None)
    if key is None:
        raise NoSuchKey(f"there is no key {key_id[:64]}; `ugc keys list` lists their ids")
    if key.revoked_at is not None:
        raise NoSuchKey(f"{key_id} was revoked before, at {_iso(key.revoked_at)}; nothing is changed")
    return tuple(each.model_copy(update={"revoked_at": now}) if each is key else each for each in there)


def _shown(key: Key) -> dict[str, Any]:
    """What may be said of a key: everything but what opens it."""
    return {
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "origins": list(key.origins),
        "per_minute": key.per_minute,
        "created_at": _iso(key.created_at),
        "revoked_at": None if key.revoked_at is None else _iso(key.revoked_at),
    }


def _table(found: list[Key]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "kind", "name", "scopes", "origins", "events/min", "made", "revoked"):
        table.add_column(column, no_wrap=column in ("id", "made", "revoked"), overflow="fold")
    for key in found:
        quota = "" if key.per_minute is None else f"{key.per_minute:,}"
        revoked = "" if key.revoked_at is None else f"{key.revoked_at:%Y-%m-%d}"
        table.add_row(
            key.id,
            key.kind,
            escape(key.name),
            ", ".join(sorted(key.scopes)),
            escape(", ".join(key.pages())),
            quota,
            f"{key.created_at:%Y-%m-%d}",
            revoked,
        )
    return table


def _how_to_use(key: Key) -> str:
    if key.kind is Kind.WRITE:
        return "Send it as X-Write-Key, or from a page as ?key=."
    return "Send it as X-API-Key, or as Authorization: Bearer."


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
