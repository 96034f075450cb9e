"""What `pull`, `send` and `adapters` refuse before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nisba.cli import cli

SECTIONS = '[adapters.shop]\nadapter = "olist"\n'


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["pull", "shpo"], "there is no section [adapters.shpo]; there are: shop."),
        (["pull", "shop"], "adapters.shop: it has no `from`, which says where its tables are."),
        (
            ["pull", "--since", "2026-03-01"],
            "--since: expected an instant with its offset, such as 2026-03-31T00:00:00Z, found '2026-03-01'.",
        ),
        (["pull", "--since", "yesterday"], "--since: expected an instant with its offset"),
        (["send", "events", "--since", "2026-03-01T00:00:00Z"], "--since needs --adapter: a directory of events is sent as it is."),
        (["send"], "name a directory of events, or an adapter whose section of the configuration has a `from`."),
        (["backfill", "--adapter", "shop"], "adapters.shop: it does not say where the tables are"),
        (["adapters", "check", "olst", "exports"], "there is no adapter 'olst'; did you mean 'olist'?"),
    ],
)
def test_a_wrong_command_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nisba.toml").write_text(SECTIONS, "utf-8")
    done = CliRunner().invoke(cli, command, prog_name="nisba")
    assert done.exit_code in (1, 2)
    assert message in " ".join(done.output.split())
