"""The config file: strict, frozen, and clear about what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtykke.config import Config, ConfigError, ScheduleSettings, load_config, read_config

ROOT = Path(__file__).parents[2]
FILE = Path("samtykke.toml")
MINIMAL = '[[site]]\nhosts = ["shop.example"]\nupstream = "http://127.0.0.1:9080"\n'
TWIN = '{"hosts":["a"],"upstream":"http://b"}'


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(text, FILE)
    return str(caught.value)


def test_a_site_with_hosts_and_upstream_is_enough() -> None:
    config = read_config(MINIMAL, FILE)
    assert config.one_site().name == "shop.example"
    assert config.proxy.listen == "127.0.0.1:8080"
    assert config.consent.languages == ("nb", "en")


def test_a_misspelt_key_is_named_with_the_nearest_right_one() -> None:
    assert wrong('[proxy]\nlisen = "127.0.0.1:1"') == 'samtykke.toml: proxy.lisen: unknown key; did you mean "listen"?'
    assert 'policy.override.0.mach: unknown key; did you mean "match"?' in wrong(
        '[[policy.override]]\nkind = "cookie"\nmach = "sid"\npurpose = "necessary"'
    )
    assert "known: alerts, catalogue, consent, controller" in wrong("[zzzz]\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[proxy]\nmode = "off"', "proxy.mode"),
        ('[proxy]\nlisten = "8080"', "proxy.listen"),
        ('[[site]]\nhosts = []\nupstream = "http://x"', "site.0.hosts"),
        ('[[site]]\nhosts = ["a"]\nupstream = "ftp://x"', "site.0.upstream"),
        ("[consent]\nlifetime_days = 3650", "consent.lifetime_days"),
        ('[consent]\nlanguages = ["xx"]', "languages: no texts in 'xx'; known are nb"),
        ('[consent]\nstore = "mysql://log/x"', "consent.store"),
        ('[inventory]\nstore = "postgresql://log/x"', "inventory.store"),
        ('[[schedule]]\nname = "n"\ncron = "often"\nsites = []', "schedule.0.cron"),
        ("[proxy", "samtykke.toml:"),
    ],
)
def test_a_wrong_value_names_file_and_key(text: str, said: str) -> None:
    message = wrong(text)
    assert message.startswith("samtykke.toml:")
    assert said in message


def test_a_missing_file_is_an_error_only_when_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config().model_dump() == Config().model_dump()
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(Path("nowhere.toml"))


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMTYKKE__PROXY__LISTEN", "0.0.0.0:9")
    config = read_config('[proxy]\nlisten = "127.0.0.1:1"\nmode = "report"', FILE)
    assert config.proxy.listen == "0.0.0.0:9"
    assert config.proxy.mode == "report"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SAMTYKKE__PROXY__LISTN", "x", "unknown key 'listn'; did you mean \"listen\"?"),
        ("SAMTYKKE__PROXI__LISTEN", "127.0.0.1:1", "unknown key 'proxi'; did you mean \"proxy\"?"),
        ("SAMTYKKE__PROXI", "{}", "unknown key 'proxi'"),
        ("SAMTYKKE__PROXY__LIMITS__LIN", "300", "unknown key 'lin'; did you mean \"line\"?"),
        ("SAMTYKKE__PROXY__LISTEN__PORT", "1", "proxy.listen has no keys"),
        ("SAMTYKKE__SITE__0__UPSTREAM", "http://x", "as JSON in SAMTYKKE__SITE"),
        ("SAMTYKKE__CONSENT__LANGUAGES", "en", "written as JSON"),
        ("SAMTYKKE__PROXY__MODE", "off", "proxy.mode"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    message = wrong(MINIMAL)
    assert message.startswith(f"{variable}: ")
    assert said in message


def test_a_list_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMTYKKE__CONSENT__LANGUAGES", '["de"]')
    monkeypatch.setenv("SAMTYKKE__PROXY__LIMITS__LINE", "300")
    config = read_config(MINIMAL, FILE)
    assert (config.consent.languages, config.proxy.limits.line) == (("de",), 300)


def test_no_password_is_repeated_in_an_error() -> None:
    said = wrong('[consent]\nstore = "mysql://me:secret@log/x"')
    assert "consent.store" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "text",
    [
        '[consent]\nstore = "mysql://u:cret/cret@log/d"',
        '[consent]\nstore = "mysql://u:cret@cret@log/d"',
        '[consent]\nstore = "u:cret"',
        '[inventory]\nstore = "mysql://u:cret@cret@log/d"',
        "[alerts]\nsmtp_password = 73726574",
        '[alerts]\nwebhook = "hooks.example/cret"',
        '[catalogue]\nlists = ["lists.example/?token=cret"]',
        '[[site]]\nhosts = ["a"]\nupstream = "http://u:cret/cr et@cret@h"',
        '[[site]]\nhosts = ["a"]\nupstream = "u:cret@h"',
        'consent = "mysql://u:cret/cret@log/d"',
    ],
)
def test_no_secret_is_repeated_wherever_it_stands(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(text)
    assert "cret" not in said
    assert "73726574" not in said
    monkeypatch.setenv("SAMTYKKE__CONSENT__STORE", "mysql://u:cret/cret@log/d")
    assert "cret" not in wrong("")


def test_what_is_no_secret_is_shown() -> None:
    assert "(given: 'off')" in wrong('[proxy]\nmode = "off"')
    assert "not 'http://...@h' (given: 'http://...@h')" in wrong('[[site]]\nhosts = ["a"]\nupstream = "http://u:p@h"')
    assert "(given: 'a@b.example')" in wrong('[alerts]\nmail_to = "a@b.example"')


@pytest.mark.parametrize(
    ("variables", "text", "sources"),
    [
        ({"CONSENT__LANGUAGES": "nb", "CONSENT__STORE": "sqlite:///a"}, "", "SAMTYKKE__CONSENT__LANGUAGES"),
        (
            {"PROXY__TRUSTED_PROXIES": "::1", "PROXY__LIMITS": "x", "PROXY__MODE": "report"},
            "",
            "SAMTYKKE__PROXY__TRUSTED_PROXIES, SAMTYKKE__PROXY__LIMITS",
        ),
        ({"SITE": ""}, "", "SAMTYKKE__SITE"),
        ({"PROXY": '{"mode":"report"}'}, '[proxy]\nlisten = "x"', "samtykke.toml"),
        ({"PROXY": '{"mode":"report"}'}, "[proxy]\nlisen = 1", "samtykke.toml"),
        ({"PROXY": '{"listen":"x"}'}, "[proxy]\naccess_log = true", "SAMTYKKE__PROXY"),
        ({"PROXY": '{"limits":{"line":1}}'}, "", "SAMTYKKE__PROXY"),
        ({"PROXY": '{"listen":"a:1"}', "PROXY__LISTEN": "x"}, "", "SAMTYKKE__PROXY__LISTEN"),
        ({"SITE": '[{"hosts":["a"]}]'}, MINIMAL, "SAMTYKKE__SITE"),
        ({"CONSENT__LANGUAGES": '["xx"]', "CONSENT__RETENTION_DAYS": "9"}, "", "SAMTYKKE__CONSENT__LANGUAGES"),
        ({"ALERTS__SMTP": "mail:25"}, "", "SAMTYKKE__ALERTS__SMTP"),
        ({"ALERTS__SMTP": "m:25"}, '[alerts]\nmail_from = "a@b"', "SAMTYKKE__ALERTS__SMTP, samtykke.toml"),
        ({"ALERTS": '{"smtp_user":"me"}'}, '[alerts]\nsmtp = "mail:25"', "samtykke.toml"),
        ({"PROXY__METRICS": "a:1"}, '[proxy]\nlisten = "a:1"', "SAMTYKKE__PROXY__METRICS, samtykke.toml"),
        ({"PROXY__MODE": "report"}, MINIMAL * 2 + 'name = "twin"', "samtykke.toml"),
        ({"SITE": f"[{TWIN},{TWIN}]"}, MINIMAL, "SAMTYKKE__SITE"),
    ],
)
def test_whoever_is_to_blame_is_named_and_nobody_else(
    variables: dict[str, str], text: str, sources: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SAMTYKKE__{name}", value)
    assert wrong(text).partition(": ")[0] == sources


@pytest.mark.parametrize("variable", ["SAMTYKKE_PROXY__LISTEN", "SAMTYKKE_PROXY_LISTEN", "SAMTYKKE_X", "samtykke_site"])
def test_a_variable_with_an_underscore_too_few_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1.2.3.4:1")
    assert wrong(MINIMAL).startswith(f"{variable}: variables of the config are written SAMTYKKE__TABLE__KEY")


@pytest.mark.parametrize(
    "variable",
    [
        "SAMTYKKE_TEST_DATA", "SAMTYKKE_BENCH_FOLDER",
        "SAMTYKKE_SERVICE_HOST", "SAMTYKKE_PORT", "SAMTYKKE_PORT_8080_TCP_ADDR", "SAMTYKKE_PROXY_SERVICE_PORT_HTTP",
    ],
)  # fmt: skip
def test_variables_of_tests_and_of_kubernetes_are_none_of_the_configs(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "tcp://10.0.0.1:8080")
    assert read_config(MINIMAL, FILE).one_site().name == "shop.example"


@pytest.mark.parametrize(
    ("store", "right"),
    [
        ("postgresql://", True), ("postgres://", True), ("postgresql:///consents", True), ("postgresql", False),
        ("postgresql:", False), ("sqlite://", False), ("sqlite:///", False), ("sqlite:///a.db", True),
    ],
)  # fmt: skip
def test_postgresql_alone_takes_everything_from_its_own_variables(store: str, right: bool) -> None:
    text = f'[consent]\nstore = "{store}"'
    if right:
        assert read_config(text, FILE).consent.store == store
    else:
        assert "consent.store" in wrong(text)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "samtykke.toml"
    file.write_text(
        f'{MINIMAL}[proxy]\ncertificate = "own.pem"\ncertificate_key = "/etc/own.key"\n[consent]\ntexts = "texts"\n'
    )
    config = load_config(file)
    assert (config.proxy.certificate, config.proxy.certificate_key) == (str(tmp_path / "own.pem"), "/etc/own.key")
    assert config.consent.texts == str(tmp_path / "texts")
    assert config.path("policy/") == tmp_path / "policy"
    assert config.store("sqlite:///consent.db") == f"sqlite:///{tmp_path / 'consent.db'}"
    assert config.store("postgresql://log/x") == "postgresql://log/x"


def test_one_of_several_sites_must_be_chosen() -> None:
    two = MINIMAL + '[[site]]\nname = "blog"\nhosts = ["blog.example"]\nupstream = "http://127.0.0.1:9081"\n'
    config = read_config(two, FILE)
    assert config.one_site("blog").hosts == ("blog.example",)
    with pytest.raises(ConfigError, match="--site"):
        config.one_site()
    with pytest.raises(ConfigError, match=r"configured: shop\.example, blog"):
        config.one_site("news")


def test_the_example_file_is_complete_and_right() -> None:
    text = (ROOT / "samtykke.example.toml").read_text()
    config = read_config(text, FILE)
    assert config.one_site().name == "shop"
    values = tomllib.loads(text)
    for table in ("proxy", "consent", "controller", "inventory", "alerts"):
        known = set(type(getattr(config, table)).model_fields) - {"limits"}
        assert set(values[table]) == known, table
    assert set(values["site"][0]) == set(type(config.site[0]).model_fields)


def test_the_example_file_shows_the_defaults() -> None:
    config = read_config((ROOT / "samtykke.example.toml").read_text(), FILE)
    fresh = Config()
    assert (config.proxy, config.consent, config.controller) == (fresh.proxy, fresh.consent, fresh.controller)
    assert (config.inventory, config.policy, config.alerts) == (fresh.inventory, fresh.policy, fresh.alerts)


def test_the_example_of_a_schedule_is_complete_and_shows_the_defaults() -> None:
    text = (ROOT / "samtykke.example.toml").read_text()
    block = text.partition("# [[schedule]]\n")[2].partition("\n\n")[0]
    values = tomllib.loads("\n".join(line.removeprefix("# ") for line in block.splitlines()))
    assert set(values) == set(ScheduleSettings.model_fields)
    needed = {"name": "n", "cron": "0 3 * * *", "sites": []}
    assert ScheduleSettings(**values | needed) == ScheduleSettings(**needed)


def test_two_schedules_of_one_name_are_refused() -> None:
    entry = '[[schedule]]\nname = "n"\ncron = "0 3 * * *"\nsites = []\n'
    with pytest.raises(ConfigError, match=r"several \[\[schedule\]\] have the name n"):
        read_config(entry * 2, FILE)


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ('webhook = "hooks.example/x"', "alerts.webhook: Value error, write http://HOST/"),
        ('smtp = "mail.example"', "alerts.smtp: Value error, write HOST:PORT"),
        ('smtp = "mail.example:25"', "smtp needs mail_from and mail_to"),
        ('smtp_security = "ssl"', "alerts.smtp_security"),
        ('mail_too = ["a@b.example"]', 'did you mean "mail_to"?'),
    ],
)
def test_alerts_that_would_reach_nobody_are_refused(alerts: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(f"[alerts]\n{alerts}\n", FILE)
    assert words in str(caught.value)


@given(st.text())
def test_any_text_is_a_config_or_an_error_that_names_the_file(text: str) -> None:
    said = ""
    try:
        read_config(text, FILE)
    except ConfigError as error:
        said = str(error)
    assert said.startswith("samtykke.toml:") or not said
