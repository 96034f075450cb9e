"""What surrounds the code says the same thing everywhere: commands, packages, versions, settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nisba.cli import COMMANDS, cli
from nisba.config import load_config
from tools.measure import CODE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LOCK = (ROOT / "constraints.txt").read_text("utf-8")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def recipe(target: str) -> list[str]:
    """Return the commands of a target of the Makefile, as a person would type them."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, target
    return [line.strip().removeprefix("@").replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


def test_every_target_that_is_explained_is_no_file() -> None:
    explained = set(re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == explained >= {"demo", "test", "lint", "wheel", "integration", "hooks", "measure"}


def test_ci_is_what_anybody_can_run() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    targets = re.findall(r"^make (\w+)$", script, re.MULTILINE)
    assert targets == ["lint", "test", "wheel", "integration"]
    assert all(recipe(target) for target in targets)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_workflow_only_calls_that_script() -> None:
    job = read(".github/workflows/ci.yml")["jobs"]["run"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert job["env"] == {"NISBA_TEST_DATA": "none"}
    used = {step["uses"].split("@")[0] for step in job["steps"] if "uses" in step}
    assert {"actions/checkout", "actions/setup-python", "actions/setup-java", "actions/cache"} == used


def test_hooks_are_commands_of_the_lint_and_come_from_here() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    assert [hook["entry"] for hook in repository["hooks"]] == [line for line in recipe("lint") if "mypy" not in line]


def test_hooks_are_what_pre_commit_understands(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PRE_COMMIT_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_is_shipped_linted_and_measured() -> None:
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"benchmarks"}
    tool = PROJECT["tool"]
    assert {name.removesuffix("*") for name in tool["setuptools"]["packages"]["find"]["include"]} == packages
    assert set(tool["mypy"]["files"]) == packages | {"tests", "benchmarks", "tools"}
    assert set(tool["importlinter"]["root_packages"]) - {"tests.oracle"} == packages == set(CODE)


def test_contributing_draws_the_layers_that_the_linter_holds() -> None:
    drawn = re.search(r"^\* Imports point one way:\s+`([^`]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert drawn
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [layer.split() for layer in drawn[1].split("→")] == [layer.split() for layer in layers]


def test_all_is_every_extra() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything.removeprefix("nisba[").removesuffix("]").split(",")) == set(extras) - {"all"}


def test_every_requirement_is_locked_with_its_hash() -> None:
    groups = [
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    wanted = {re.split(r"[^\w.-]", line)[0].lower() for group in groups for line in group} - {"nisba"}
    locked = set(re.findall(r"^([\w.-]+)==\S+ (?:;.*)?\\\n    --hash=sha256:", LOCK, re.MULTILINE))
    assert len(wanted) > 25
    assert wanted - locked == set()


def test_the_changelog_knows_the_version() -> None:
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_image_runs_a_python_that_is_tested_as_nobody_special() -> None:
    versions = re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)
    assert versions == [PROJECT["tool"]["mypy"]["python_version"]] * 2
    assert re.findall(r"^USER (\w+)", DOCKERFILE, re.MULTILINE) == ["nisba"]
    assert re.search(r'^ENTRYPOINT \["nisba"\]', DOCKERFILE, re.MULTILINE)


def test_the_image_takes_its_installer_from_the_lock(tmp_path: Path) -> None:
    """The awk of the Dockerfile cuts out two packages whole: their versions and all their hashes."""
    found = re.search(r"awk '.*?' constraints\.txt", DOCKERFILE)
    assert found
    cut = subprocess.run(["sh", "-c", found[0]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    stanzas = [re.search(rf"^{name}==.*\n(?:    --hash=.*\n)+", LOCK, re.MULTILINE) for name in ("setuptools", "uv")]
    assert cut == "".join(stanza[0] for stanza in stanzas if stanza)
    assert cut.count("==") == 2
    assert not cut.rstrip().endswith("\\")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yaml")["services"]
    return found


def test_composed_commands_and_settings_are_ours(services: dict[str, Any]) -> None:
    ours = {name: service for name, service in services.items() if service["image"] == "nisba"}
    assert ours.keys() == {"topics", "stream"}
    for service in ours.values():
        command, *options = service["command"]
        assert command in COMMANDS
        parsed = cli.commands.get(command) or cli.get_command(cli.make_context("nisba", [], resilient_parsing=True), command)
        assert parsed is not None
        parsed.make_context(command, options)
        config = load_config(None, service["environment"])
        assert config.kafka.bootstrap_servers == "kafka:9092"
        folders = {mount.split(":")[1] for mount in service["volumes"]}
        assert {str(Path(config.warehouse.path).parent), str(Path(config.publish.directory).parent)} == folders == {"/data"}
        known = {name for name in service["environment"] if load_config(None, {name: "seen"}) != load_config(None, {})}
        assert known == set(service["environment"])


def test_the_composed_kafka_is_the_one_that_is_tested(services: dict[str, Any]) -> None:
    pom = (ROOT / "tests" / "integration" / "kafka" / "pom.xml").read_text("utf-8")
    version = re.search(r"<kafka\.version>(.*?)</kafka\.version>", pom)
    assert version
    assert services["kafka"]["image"] == f"apache/kafka:{version[1]}"
    assert services["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_the_stream_waits_for_topics_and_they_for_the_broker(services: dict[str, Any]) -> None:
    assert services["stream"]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_what_is_not_run_in_ci_says_so() -> None:
    for name in ("Dockerfile", "compose.yaml"):
        head = (ROOT / name).read_text("utf-8")[:900]
        assert re.search(r"not (built|run) in CI, where there is no container engine", head), name


def test_the_project_says_where_it_lives() -> None:
    urls = PROJECT["project"]["urls"]
    assert set(urls) == {"Repository", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(urls["Repository"]) for url in urls.values())
    assert f'image.source="{urls["Repository"]}"' in DOCKERFILE
