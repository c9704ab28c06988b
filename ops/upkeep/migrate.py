"""`ugc migrate`: topics and schema, both sides of the pipeline, brought to what this version needs."""

from dataclasses import asdict
from typing import Any

import click

from clickhouse import migrate as schema
from ops.terminal import console
from ops.upkeep import topics
from telemetry.settings import Settings, load


@click.command()
@click.option("--plan", is_flag=True, help="Say what would be done, and change nothing.")
@console.json_option
def migrate(plan: bool, as_json: bool) -> None:
    """Create the topics and bring the warehouse's schema up to date. Safe to run again."""
    settings = load(Settings)
    dsn = settings.dsn("admin")
    if plan:
        _show_plan(schema.plan(dsn), as_json=as_json)
        return
    made = topics.ensure(settings.bootstrap(), retention_days=settings.topic_retention_days)
    ran = schema.apply(dsn)
    if as_json:
        console.print_json(
            {
                "topics": [asdict(topic) for topic in made],
                "applied": [{"version": s.version, "name": s.name} for s in ran],
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


def _show_plan(steps: list[schema.Step], *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {
            "migrations": [{"version": s.version, "name": s.name, "applied": s.applied} for s in steps]
        }
        console.print_json(document)
        return
    for step in steps:
        console.out().print(f"{'applied' if step.applied else '[yellow]pending[/]'}  {step.name}")
