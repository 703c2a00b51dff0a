"""Settings: defaults as documented, a misspelt key is an error that names it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from proxy.settings import ProxySettings, SiteSettings


def test_defaults_are_those_of_the_documented_config():
    found = ProxySettings().model_dump(
        exclude={"limits", "certificate", "certificate_key", "access_log", "consent_header", "csp"}
    )
    assert found == {
        "listen": "127.0.0.1:8080", "mode": "enforce", "render": "private", "csp_undecided": "consentable",
        "consent_mode": "strip", "unknown_cookies": "pass", "unknown_third_party": "block", "trusted_proxies": (),
        "proxy_protocol": False, "request_id": False, "metrics": "", "remembered": 64 << 20,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"listne": "127.0.0.1:1"}, {"listen": "8080"}, {"listen": "127.0.0.1:99999"}, {"mode": "off"},
        {"trusted_proxies": ["10.0.0.1/8"]}, {"trusted_proxies": ["here"]}, {"certificate": "a.pem"},
        {"limits": {"answer": 0}},
    ],
)  # fmt: skip
def test_bad_settings_are_refused(given):
    with pytest.raises(ValidationError):
        ProxySettings(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"hosts": []}, {"hosts": ["a/b"]}, {"upstream": "127.0.0.1:80"}, {"upstream": "http://a/path"},
        {"upstream": "ftp://a"}, {"upstream": "http://a:99999"}, {"exempt_paths": ["checkout"]}, {"host": "a"},
    ],
)  # fmt: skip
def test_bad_sites_are_refused(given):
    with pytest.raises(ValidationError):
        SiteSettings(**({"hosts": ["a"], "upstream": "http://127.0.0.1:80"} | given))


def test_a_site_is_named_after_its_first_host():
    assert SiteSettings(hosts=["Shop.Localhost:8443", "b"], upstream="http://a").name == "Shop.Localhost"
    assert SiteSettings(hosts=["a"], upstream="http://a", name="x").name == "x"


def test_ipv6_addresses_are_understood():
    settings = ProxySettings(listen="[::1]:8080", trusted_proxies=["fd00::/8", "10.0.0.0/8", "192.0.2.1"])
    assert settings.address == ("::1", 8080)
    assert settings.trusts("fd00::1")
    assert settings.trusts("192.0.2.1")
    assert not settings.trusts("192.0.2.2")
    assert not settings.trusts("unix")
