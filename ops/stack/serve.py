"""`ugc api` and `ugc etl`: one process each, in the foreground, as the compose file runs them."""

import click

from telemetry import logs
from telemetry.settings import load


@click.command()
@click.option("--port", "api_port", type=click.IntRange(1, 65535), help="Port to listen on (UGC_API_PORT).")
def api(api_port: int | None) -> int:
    """Serve the collector and the stats API until SIGTERM or Ctrl-C."""
    from ugc_api.serve import serve  # noqa: PLC0415 - Flask and the producer load only where they serve
    from ugc_api.settings import ApiSettings  # noqa: PLC0415

    settings = load(ApiSettings, **({"api_port": api_port} if api_port else {}))
    logs.configure(process="api", level=settings.log_level, format=settings.log_format)
    return serve(settings)


@click.command()
def etl() -> int:
    """Move events from the log into the warehouse until SIGTERM or Ctrl-C."""
    from etl.run import run  # noqa: PLC0415
    from etl.settings import EtlSettings  # noqa: PLC0415

    settings = load(EtlSettings)
    logs.configure(process="etl", level=settings.log_level, format=settings.log_format)
    return run(settings)
