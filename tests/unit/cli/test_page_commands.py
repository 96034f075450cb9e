"""Every command on a page is one that nisba has, and those of the cookbooks do what the page says, on a broker and small events."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from nisba.cli import cli
from pipelines.broker.embedded_broker import embedded_broker
from simulator import simulate
from tests.unit.adapters.test_small_exports import MAVEN, OLIST, written

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "nisba.example.toml", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_BACKQUOTES = re.compile(r"`(?:\S*/)?nisba ([a-z][^`]*)`")
ENDLESS = {"stream": ["--until-caught-up"]}
SMALL = {"simulate": ["--accounts", "20"]}


def commands_of(text: str) -> list[list[str]]:
    """Return the arguments of every nisba command in a text, in order: a line of a block, or between backquotes."""
    in_lines = BLOCK.sub(lambda block: re.sub(r"^(?:\$ )?(.*nisba [^#&\n]*).*$", r"`\1`", block[1], flags=re.MULTILINE), text)
    return [shlex.split(hit[1]) for hit in IN_BACKQUOTES.finditer(in_lines)]


def section(page: str, title: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8").split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def parsed(arguments: list[str]) -> None:
    """Parse a command line without running it; a command that is only mentioned needs no arguments."""
    command: click.Command | None = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
        if not arguments:
            return
    assert command is not None
    command.make_context(command.name, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_can_be_typed(page: Path) -> None:
    for arguments in commands_of(page.read_text("utf-8")):
        parsed(arguments)


def test_commands_are_found_on_the_pages_that_have_some() -> None:
    found = {page.name for page in PAGES if commands_of(page.read_text("utf-8"))}
    assert found >= {"README.md", "nisba.example.toml", "quickstart.md", "runbook.md", "adapters.md", "bi-access.md", "configuration.md"}


def test_a_command_that_does_not_exist_would_be_seen() -> None:
    text = "```sh\n$ .venv/bin/nisba init books && cd books\nnisba demo   # x\n```\nnisba tells; see `nisba bogus --flag`"
    assert commands_of(text) == [["init", "books"], ["demo"], ["bogus", "--flag"]]
    with pytest.raises(AssertionError, match="there is no command bogus"):
        parsed(["bogus", "--flag"])
    with pytest.raises(click.NoSuchOption):
        parsed(["report", "--flag"])


def ran(arguments: list[str], deal: str = "") -> Result:
    """Run a command of a page in this process; `DEAL` is a deal, and what would never end ends when there is nothing to do."""
    arguments = [deal if argument == "DEAL" else argument for argument in arguments]
    arguments += ENDLESS.get(arguments[0], []) + SMALL.get(arguments[0], [])
    return CliRunner().invoke(cli, arguments, prog_name="nisba")


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as address:
        yield address


@pytest.fixture
def on_kafka(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NISBA_KAFKA_BOOTSTRAP_SERVERS", broker)


def deal_of(books: Path) -> str:
    import duckdb

    with duckdb.connect(str(books), read_only=True) as con:
        (deal,) = con.execute("SELECT min(deal_id) FROM core.deal WHERE status = 'won'").fetchone() or ("",)
        return str(deal)


@pytest.mark.usefixtures("on_kafka")
def test_from_kafka_then_look_into_it_then_every_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(7, 20, 540, tmp_path / "events")
    first, *commands = commands_of(section("quickstart.md", "From Kafka"))
    assert [first[0], *(command[0] for command in commands)] == ["init", "topics", "send", "stream"]
    assert ran(first).exit_code == 0
    monkeypatch.chdir(tmp_path / "books")
    # the page of being on call is a title and one table: all of it
    cures = commands_of((ROOT / "docs" / "runbook.md").read_text("utf-8"))
    assert ["stream", "--skip-lost"] in cures
    assert ["dead-letters", "replay", "--class", "unknown_type"] in cures
    for command in [*commands, *commands_of(section("quickstart.md", "Look into it")), *cures]:
        done = ran(command, deal_of(tmp_path / "books" / "warehouse.duckdb") if "DEAL" in command else "")
        assert done.exit_code == 0, f"{command}: {done.output}"


@pytest.mark.usefixtures("on_kafka")
def test_exports_go_through_their_adapters(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    written(tmp_path / "exports" / "olist", OLIST)
    written(tmp_path / "exports" / "crm", MAVEN)
    assert ran(["topics", "--create"]).exit_code == 0
    page = (ROOT / "docs" / "adapters.md").read_text("utf-8")
    check, backfill, send, pull, told, *more = commands_of(page)
    (sections,) = re.findall(r"```toml\n(\[adapters\..*?)```", page, re.DOTALL)
    outputs = [ran(command) for command in (check, backfill, send)]
    (tmp_path / "nisba.toml").write_text(sections, "utf-8")
    outputs += [ran(command) for command in (pull, told, *more)]
    assert [done.exit_code for done in outputs] == [0] * len(outputs), [done.output for done in outputs]
    assert (tmp_path / "warehouse.duckdb").is_file()
    assert "crm.deal" in outputs[2].output
    assert "second_shop" in outputs[3].output


def test_the_simulated_company_is_made_and_read() -> None:
    for command in commands_of((ROOT / "docs" / "simulator.md").read_text("utf-8")):
        done = ran(command)
        assert done.exit_code == 0, done.output


def test_the_line_of_sql_on_the_page_stands_in_the_adapter() -> None:
    (example,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "adapters.md").read_text("utf-8"), re.DOTALL)
    texts = [" ".join(file.read_text("utf-8").split()) for file in (ROOT / "adapters" / "olist").glob("*.sql")]
    assert any(" ".join(example.split()) in text for text in texts)


def test_the_words_that_the_cookbook_looks_up_are_those_of_the_errors() -> None:
    """What stands in the first column between backquotes is what somebody reads on a screen, a number or a name aside."""
    said = re.findall(r"^\| (?:[\w ]+: )?`(.+?)`.*? \|", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE)
    code = " ".join(
        file.read_text("utf-8") for package in ("nisba", "pipelines", "warehouse", "schemas") for file in (ROOT / package).rglob("*.py")
    )
    assert len(said) >= 7
    for sentence in said:
        for words in re.split(r"…|\b(?:\d+|N|M)\b", sentence):
            assert words.strip() in code, sentence
