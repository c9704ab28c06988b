"""`ugc migrate`: topics and schema, both sides of the pipeline, brought to what this version needs."""

from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from clickhouse import migrate as schema
from clickhouse import property_columns
from clickhouse.client import connect
from clickhouse.property_columns import Ensured, Found
from clickhouse.settings import SchemaSettings
from ops.terminal import console
from ops.upkeep import topics
from ops.upkeep.columns import is_taken, told
from telemetry.settings import load


@click.command()
@click.option("--plan", is_flag=True, help="Say what would be done, and change nothing.")
@console.json_option
def migrate(plan: bool, as_json: bool) -> None:
    """Create the topics and bring the warehouse's schema up to date. Safe to run again."""
    settings = load(SchemaSettings)
    dsn = settings.dsn("admin")
    if plan:
        steps = schema.plan(dsn)
        _show_plan(steps, _columns(dsn, steps, settings.property_keys()), as_json=as_json)
        return
    made = topics.ensure(settings.bootstrap(), retention_days=settings.topic_retention_days)
    ran = schema.apply(dsn)
    with connect(dsn) as client:
        columns = property_columns.ensure(client, settings.property_keys())
    if as_json:
        console.print_json(
            {
                "topics": [asdict(topic) for topic in made],
                "applied": [{"version": s.version, "name": s.name} for s in ran],
                "property_columns": asdict(columns),
            }
        )
        return
    out = console.out()
    days_kept = topics.days_kept(settings.topic_retention_days)
    for topic in made:
        state = "created" if topic.created else "is there"
        if topic.retention_changed:
            state += f", retention changed to {days_kept[topic.name]} d"
        if topic.config_changed:
            state += ", its configuration brought to what this version needs"
        out.print(f"topic      {topic.name} ({topic.partitions} partitions) {state}")
    for step in ran:
        out.print(f"migration  {step.name} applied")
    if not ran:
        out.print("migration  nothing to do")
    _show_columns(columns)


def _show_columns(columns: Ensured) -> None:
    for line in told(columns):
        console.out().print(f"column     {escape(line)}", soft_wrap=True)


def _columns(dsn: str, steps: list[schema.Step], keys: list[str]) -> Found:
    """What there is for `keys`; a table that is not there yet has no columns."""
    if not keys or not any(step.applied for step in steps):
        return Found(keys, [])
    with connect(dsn) as client:
        return property_columns.look(client, keys)


def _show_plan(steps: list[schema.Step], columns: Found, *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {
            "migrations": [{"version": s.version, "name": s.name, "applied": s.applied} for s in steps],
            "property_columns": asdict(columns),
        }
        console.print_json(document)
        return
    for step in steps:
        console.out().print(f"{'applied' if step.applied else '[yellow]pending[/]'}  {step.name}")
    for key in columns.missing:
        console.out().print(f"[yellow]pending[/]  a column for properties.{key}")
    for key in columns.taken:
        console.out().print(f"[yellow]refused[/]  {is_taken(key)}", soft_wrap=True)
