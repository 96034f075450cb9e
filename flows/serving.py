"""`python -m flows.serving`: serve the flows; with `--once`: run catch_up now. The environment names the Prefect server."""

from __future__ import annotations

import argparse
from typing import Any

from prefect import Flow, serve
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from flows.refresh import WRITER, catch_up, daily

__all__ = ["DAILY_CRON", "deployment", "ensure_writer_limit", "main"]

DAILY_CRON = "15 3 * * *"
"""As in prefect.yaml: after the night's imports, before people look."""


def ensure_writer_limit() -> None:
    """Make the limit that keeps writers apart."""
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(WRITER, 1)


def main(arguments: list[str] | None = None) -> None:
    """Serve both flows, or run `catch_up` once."""
    parser = argparse.ArgumentParser(prog="python -m flows.serving", description="Serve the flows, or run one once.")
    parser.add_argument("--config", help="configuration file")
    parser.add_argument("--cron", default=DAILY_CRON, help="schedule of the daily flow")
    parser.add_argument("--once", action="store_true", help="run catch_up now and end")
    chosen = parser.parse_args(arguments)
    ensure_writer_limit()
    if chosen.once:
        catch_up(chosen.config)
        return
    parameters = {"config_file": chosen.config}
    serve(
        deployment(catch_up, "on-demand", parameters=parameters),
        deployment(daily, "nightly", parameters=parameters, cron=chosen.cron),
    )


def deployment(flow: Flow[..., Any], name: str, **options: Any) -> RunnerDeployment:
    """Deploy a flow under the name of its module, as prefect.yaml does: by its file, `flows/` would become a search path."""
    made = flow.to_deployment(name, entrypoint_type=EntrypointType.MODULE_PATH, **options)
    assert isinstance(made, RunnerDeployment)  # outside an event loop it is, whatever the types say
    return made


if __name__ == "__main__":
    main()
