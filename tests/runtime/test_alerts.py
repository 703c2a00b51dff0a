"""Alerts reach a real webhook and a real SMTP server on loopback, signed; what fails says where and why."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from runtime.alerts import HEADER, Alert, AlertError, Mail, Secret, Webhook, tell, verify
from runtime.keys import new_keys, rotated

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
KEYS = new_keys(NOW)
SECRET = Secret.current(KEYS)
ALERT = Alert(
    "2 new trackers on shop.example", "new cookie _fbp\nnye sporere: Blåbær", {"site": "http://shop.example/"}
)


async def no_sleep(seconds):
    await asyncio.sleep(0)


def now():
    return NOW


@asynccontextmanager
async def webhook(*statuses):
    heard, waiting = [], list(statuses)

    async def answer(request):
        heard.append((dict(request.headers), await request.read()))
        status = waiting.pop(0) if waiting else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", heard
    finally:
        await runner.cleanup()


@asynccontextmanager
async def mail_server(refuses=()):
    """Enough of RFC 5321 for one message; `refuses` are commands answered 550."""
    heard = []

    async def serve(reader, writer):
        async def say(line):
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 loopback")
        while line := await reader.readline():
            command = line.decode().strip()
            heard.append(command)
            word = command.split(" ")[0].upper()
            if word in refuses:
                await say("550 not here")
            elif word == "DATA":
                await say("354 go on")
                text = await reader.readuntil(b"\r\n.\r\n")
                heard.append(text.decode())
                await say("250 taken")
            elif word == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 fine")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


async def test_a_webhook_gets_the_facts_signed():
    async with webhook() as (url, heard):
        assert await tell(ALERT, [Webhook(url, SECRET)], now=now, sleep=no_sleep) == []
    ((headers, body),) = heard
    assert json.loads(body) == {"site": "http://shop.example/", "subject": ALERT.subject, "text": ALERT.text}
    assert headers["Content-Type"] == "application/json"
    assert verify(headers[HEADER], body, SECRET.value, NOW.timestamp())
    assert not verify(headers[HEADER], body + b" ", SECRET.value, NOW.timestamp())
    assert not verify(headers[HEADER], body, SECRET.value, NOW.timestamp() + 301)
    assert not verify(headers[HEADER], body, KEYS.current.secret, NOW.timestamp())


def test_the_secret_is_not_the_key_that_signs_consent_and_changes_with_it():
    assert SECRET.value != KEYS.current.secret
    assert Secret.current(rotated(KEYS, NOW)).value != SECRET.value
    assert SECRET.value.hex() not in repr(SECRET)


@given(st.text(), st.binary())
def test_no_header_makes_verifying_fail(header, body):
    assert not verify(header, body, SECRET.value, NOW.timestamp())


async def test_a_receiver_that_fails_is_asked_again_and_then_named():
    async with webhook(500, 503) as (url, heard):
        assert await tell(ALERT, [Webhook(url, SECRET)], now=now, sleep=no_sleep) == []
        assert len(heard) == 3
    async with webhook(500, 500, 302) as (url, heard):
        assert await tell(ALERT, [Webhook(url, SECRET)], now=now, sleep=no_sleep) == [f"{url} answers 302"]
        assert len(heard) == 3
    (failure,) = await tell(ALERT, [Webhook("http://127.0.0.1:9/hook", SECRET)], now=now, sleep=no_sleep)
    assert failure.startswith("http://127.0.0.1:9/hook: ")


async def test_mail_goes_out_with_subject_and_words():
    async with mail_server() as (port, heard):
        mail = Mail("127.0.0.1", port, "samtykke@shop.example", ["a@shop.example", "b@shop.example"], "none")
        assert await tell(ALERT, [mail], now=now, sleep=no_sleep) == []
    assert [line for line in heard if line.lower().startswith("rcpt")] == [
        "rcpt TO:<a@shop.example>", "rcpt TO:<b@shop.example>"
    ]  # fmt: skip
    message = next(text for text in heard if "Subject:" in text)
    assert "Subject: 2 new trackers on shop.example" in message
    assert "new cookie _fbp" in message
    assert "Auto-Submitted: auto-generated" in message


async def test_a_line_break_in_a_name_starts_no_header_of_its_own():
    odd = Alert("new cookie\r\nBcc: victim@example.org", "x", {})
    async with mail_server() as (port, heard):
        await Mail("127.0.0.1", port, "s@shop.example", ["a@shop.example"], "none").send(odd, NOW)
    assert not [line for text in heard for line in text.splitlines() if line.startswith("Bcc:")]


async def test_a_mail_server_that_refuses_or_offers_no_tls_is_named():
    async with mail_server(refuses=("RCPT",)) as (port, _):
        with pytest.raises(AlertError, match=rf"127\.0\.0\.1:{port}"):
            await Mail("127.0.0.1", port, "s@shop.example", ["a@shop.example"], "none").send(ALERT, NOW)
    async with mail_server() as (port, heard):
        with pytest.raises(AlertError, match="STARTTLS"):
            await Mail("127.0.0.1", port, "s@shop.example", ["a@shop.example"]).send(ALERT, NOW)
        assert not any(line.startswith("mail FROM") for line in heard)


async def test_one_channel_that_fails_does_not_silence_the_other():
    async with mail_server() as (port, heard):
        channels = [
            Webhook("http://127.0.0.1:9/", SECRET),
            Mail("127.0.0.1", port, "s@shop.example", ["a@shop.example"], "none"),
        ]
        assert len(await tell(ALERT, channels, now=now, sleep=no_sleep)) == 1
    assert any("Subject:" in text for text in heard)
