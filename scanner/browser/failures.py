"""Why a page could not be visited, in words. A table from Chromium's network errors; the code stays in brackets."""

from __future__ import annotations

_WORDS = {
    "ERR_NAME_NOT_RESOLVED": "the host name does not resolve",
    "ERR_CONNECTION_REFUSED": "the server refuses connections",
    "ERR_CONNECTION_RESET": "the server broke off the connection",
    "ERR_CONNECTION_CLOSED": "the server closed the connection",
    "ERR_CONNECTION_TIMED_OUT": "the server does not answer",
    "ERR_TIMED_OUT": "the server does not answer",
    "ERR_ADDRESS_UNREACHABLE": "the server's address is unreachable",
    "ERR_EMPTY_RESPONSE": "the server answers nothing",
    "ERR_TOO_MANY_REDIRECTS": "it redirects without end",
    "ERR_INVALID_REDIRECT": "it redirects to no valid address",
    "ERR_UNSAFE_REDIRECT": "it redirects to an address that a page may not open",
    "ERR_BLOCKED_BY_CLIENT": "refused: not an allowed address",
    "ERR_INVALID_RESPONSE": "the answer is no valid HTTP",
    "ERR_INVALID_HTTP_RESPONSE": "the answer is no valid HTTP",
    "ERR_CONTENT_DECODING_FAILED": "the answer's content encoding is broken",
    "ERR_SSL_PROTOCOL_ERROR": "TLS failed",
    "ERR_INVALID_AUTH_CREDENTIALS": "it asks for a user name and a password",
    "ERR_UNKNOWN_URL_SCHEME": "it leads to another program",
    "ERR_ABORTED": "it is a download or an answer without content",
}


def in_words(error: str) -> str:
    """`net::ERR_NAME_NOT_RESOLVED` -> `the host name does not resolve (ERR_NAME_NOT_RESOLVED)`."""
    code = error.removeprefix("net::")
    if code.startswith("ERR_CERT_"):
        return f"its TLS certificate is not valid ({code})"
    words = _WORDS.get(code)
    return f"{words} ({code})" if words else code
