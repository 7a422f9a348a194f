"""One HTTP request of a document, by the standard library alone. Any status is an answer."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

BODY_BYTES_MAX = 64 << 10


def call_http(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Status, headers and body (parsed where it is JSON). Raises OSError, ValueError.

    asked: url, method, headers, arguments, timeout_s, verify_tls, max_retries.
    """
    request = make_request(asked)
    context = ssl.create_default_context()
    if not asked.get("verify_tls", True):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers = [urllib.request.HTTPSHandler(context=context)]
    for tries_left in range(int(asked.get("max_retries") or 0), -1, -1):
        try:
            opener = urllib.request.build_opener(*handlers)
            with opener.open(request, timeout=asked["timeout_s"]) as response:
                return _answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)
        except OSError:
            if not tries_left:
                raise
    raise ValueError("max_retries is negative")


def make_request(asked: Mapping[str, Any]) -> urllib.request.Request:
    """The request; arguments go into the query of a GET, else into a body of form or JSON."""
    url, method = str(asked["url"]), str(asked.get("method") or "GET").upper()
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"not an HTTP address: {url}")
    headers = {str(k): str(v) for k, v in (asked.get("headers") or {}).items()}
    arguments = asked.get("arguments")
    data = None
    if arguments and method in ("GET", "HEAD"):
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(arguments, doseq=True)
    elif arguments:
        data = _body(arguments, headers)
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - checked above


def _body(arguments: Any, headers: dict[str, str]) -> bytes:
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    if isinstance(arguments, str):
        return arguments.encode()
    if "json" in kind.lower():
        return json.dumps(arguments).encode()
    return urllib.parse.urlencode(arguments, doseq=True).encode()


def _answer(response: Any) -> dict[str, Any]:
    text = response.read(BODY_BYTES_MAX).decode("utf-8", "replace")
    body: Any = text
    if "json" in (response.headers.get("Content-Type") or "").lower():
        try:
            body = json.loads(text)
        except ValueError:
            body = text  # it said JSON and is none: the text is what was answered
    return {"status": response.status, "headers": dict(response.headers.items()), "body": body}
