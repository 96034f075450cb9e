"""What the configuration refuses beyond wrong types, each with what to do; and what it takes as it is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nisba.agreements import Exceptions
from nisba.config import Config, load_config
from nisba.errors import ConfigError

OWN = '[[model]]\nid = "own"\nrest = 100\n'

REFUSED = {
    '[labels.channel]\nweb = ""': "labels.channel: 'web' becomes '': a channel needs a name, and none that reports give to totals",
    '[labels.kind]\nview = " "': "labels.kind: 'view' becomes ' ': a kind needs a name, and none that reports give to totals",
    '[labels.stage]\nLead = ""': "labels.stage: 'Lead' becomes '': a stage needs a name, and none that reports give to totals",
    '[labels.channel]\nx = "(NONE)"': "labels.channel: 'x' becomes '(NONE)': a channel needs a name, and none that reports give to totals",
    '[labels.channel]\nx = "All"': "labels.channel: 'x' becomes 'All': a channel needs a name, and none that reports give to totals",
    '[labels.segment]\n"" = "smb"': "labels.segment: '' becomes 'smb': an empty label is none, and cannot be mapped; remove the line",
    '[labels.region]\nEMEA = "a"\n" emea" = "b"': (
        "labels.region: ' emea' becomes 'b': the same label, but for case and blanks, becomes 'a'; keep one of the two"
    ),
    '[attribution]\nexcluded_kinds = [""]': "attribution.excluded_kinds: an empty label is none; remove it",
    '[attribution]\nexcluded_channels = [" "]': "attribution.excluded_channels: an empty label is none; remove it",
    '[attribution]\nexcluded_channels = ["(none)"]': (
        "attribution.excluded_channels: no touch has the channel '(none)', reports call rows of their own so; direct traffic is 'direct'"
    ),
    '[attribution]\ndirect_channels = ["direct", "(None)"]': (
        "attribution.direct_channels: no touch has the channel '(None)', reports call rows of their own so; direct traffic is 'direct'"
    ),
    OWN + 'excluded_channels = ["ALL"]': (
        "model 'own': excluded_channels: no touch has the channel 'ALL', reports call rows of their own so; direct traffic is 'direct'"
    ),
    OWN + 'multipliers = [{ kind = "", factor = 2 }]': "model 'own': multipliers: an empty label is none; remove it",
    OWN + 'excluded_referrers = ["pay.test/done"]': (
        "model 'own': excluded_referrers: 'pay.test/done' is no host: expected one such as 'paypal.com', without scheme, port or path;"
        " hosts below it are excluded with it"
    ),
}


def loaded(tmp_path: Path, text: str) -> Config:
    (tmp_path / "nisba.toml").write_text(text, "utf-8")
    return load_config(tmp_path / "nisba.toml", {})


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items())
def test_what_cannot_be_meant_is_refused_with_what_to_do(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "referrer",
    ["https://pay.test", "//pay.test", "pay.test:443", "me@pay.test", "*.pay.test", ".pay.test", "pay test", " pay.test", "", "::1"],
)
def test_what_is_no_host(tmp_path: Path, referrer: str) -> None:
    with pytest.raises(ConfigError, match="is no host"):
        loaded(tmp_path, f'[attribution]\nexcluded_referrers = ["{referrer}"]')


@pytest.mark.parametrize("referrer", ["pay.test", "Pay.Test.", "localhost", "[::1]", "192.0.2.1", "äpfel.test", "a-b_c.test"])
def test_hosts(tmp_path: Path, referrer: str) -> None:
    assert loaded(tmp_path, f'[attribution]\nexcluded_referrers = ["{referrer}"]').attribution.excluded_referrers == (referrer,)


def test_words_that_kinds_segments_and_stages_may_be(tmp_path: Path) -> None:
    text = '[labels.kind]\nx = "All"\n[labels.stage]\ny = "(none)"\n[labels.segment]\nz = ""\n[labels.region]\nEMEA = "e"\nemea = "e"\n'
    labels = loaded(tmp_path, text + '[attribution]\nexcluded_kinds = ["all"]\n').labels
    assert (labels.kind, labels.stage, labels.segment) == ({"x": "All"}, {"y": "(none)"}, {"z": ""})


def test_collapse_by_takes_its_three_names_or_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[attribution]\ncollapse_by = []").attribution.collapse_by == ()
    assert loaded(tmp_path, OWN + 'collapse_by = ["kind"]').model[0].collapse_by == ("kind",)
    with pytest.raises(ConfigError, match=r"Invalid enum value 'actor' - at `\$.attribution.collapse_by\[0\]`; docs/configuration.md"):
        loaded(tmp_path, '[attribution]\ncollapse_by = ["actor"]')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[lead_sla]]\nid = "a"\nfrom_stage = "sal"\nto_stage = "mql"\nhours = 1', "mql is not after sal"),
        ('[[lead_sla]]\nid = "a"\nfrom_stage = "mql"\nto_stage = "sal"\nhours = 7.3333333', "six decimals at most, found 7.3333333"),
        ('[[lead_sla]]\nid = "a"\nfrom_stage = "mql"\nto_stage = "sal"\nhours = -1', "a number from 0 to 100000"),
        ('[[lead_quality]]\nid = "a"\nrequired = ["budget"]', "a lead has no field 'budget'"),
        ('[business_hours]\nopens = "9:00"', "expected a time such as \"09:00\", found '9:00'"),
        ('[business_hours]\nopens = "17:00"', "never open"),
        ("[business_hours]\ndays = []", "never open"),
        ('[business_hours]\nholidays = "XX"', "no holidays are known of 'XX'"),
        ('[business_hours]\ntime_zone = "Mars"', "unknown time zone 'Mars'"),
        ('[sales_process]\nstages = ["Proposal", " proposal"]', "is there twice"),
        ("[exceptions.discount]\nmax_pct = 101", "exceptions.discount.max_pct: expected a number from 0 to 100"),
        ("[reporting]\ngross_margin_pct = 101", "reporting.gross_margin_pct"),
        ("[reporting]\nas_of = 2026-03-31T00:00:00", "expected an instant with its offset"),
        ('[[incentive]]\nid = "p"\npool_pct = 1\nmodel = "mine"', "the model 'mine' is not computed"),
        ('[[incentive]]\nid = "p"\npool_pct = 1\ntiers = []', "tiers: expected at least one"),
        ('[[incentive]]\nid = "p"\npool_pct = 1\nsplit_by = { "A" = 60, "B" = 30 }', "add up to 100"),
        ('[[incentive]]\nid = "p"\npool_pct = 1\n[[incentive]]\nid = "p"\npool_pct = 2', "is there twice"),
    ],
)
def test_agreements_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "nisba.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "nisba.toml", {})
    assert said in str(refused.value)


@pytest.mark.parametrize("name", sorted(msgspec.structs.asdict(Exceptions()).keys() - {"since"}))
def test_a_rule_of_exceptions_is_turned_off_without_its_sizes(tmp_path: Path, name: str) -> None:
    exceptions = loaded(tmp_path, f"[exceptions.{name}]\nenabled = false").exceptions
    assert exceptions == msgspec.structs.replace(
        Exceptions(), **{name: msgspec.structs.replace(getattr(Exceptions(), name), enabled=False)}
    )


MISSPELT = {
    '[[incentive]]\nid = "p"\npool_pct = 1\ntier = []': "there is no key `tier` - at `$.incentive[0]`; docs/configuration.md has every key",
    '[[incentive]]\nid = "p"': "there must be a key `pool_pct` - at `$.incentive[0]`",
    '[[incentive]]\nid = "p"\npool_pct = "1 %"': "expected a number such as 12.5 - at `$.incentive[0].pool_pct`",
    "[incentive]\npool_pct = 1": "there may be several: write [[incentive]] instead of [incentive];",
    '[exceptions]\nsince = "01.04.2026"': "expected a date such as 2026-03-31 - at `$.exceptions.since`",
    '[business_hours]\nholidays = ["DE"]': "expected a date such as 2026-03-31 - at `$.business_hours.holidays[0]`",
    '[reporting]\nas_of = "2026-03-31"': "expected an instant such as 2026-03-31T23:59:59Z - at `$.reporting.as_of`",
}


@pytest.mark.parametrize("text", MISSPELT)
def test_a_misspelt_configuration_is_told_in_its_own_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    assert str(refused.value).startswith(f"configuration: {MISSPELT[text]}")
