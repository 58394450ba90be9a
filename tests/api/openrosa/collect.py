"""Requests as ODK Collect makes them, for the tests of this channel."""

import uuid
from typing import Any

from django.test import Client

from tests.support.world import Phone

BOUNDARY = "6f3c9b0e-8d0c-4c6b-9d8e-1c2b3a4d5e6f"
NOW = "2022-11-20T10:00:00.000+06:00"
HEADERS = {"X-OpenRosa-Version": "1.0", "User-Agent": "org.odk.collect.android/v2026.2.4 Dalvik/2.1.0"}


def build_form_xml(
    answers: str = "<V03>no</V03><V15>no</V15><V90>good</V90>",
    *,
    form: str = "voting",
    version: str = "1",
    instance: str | None = None,
    deprecated: str = "",
    station: str = "KZ-1-1-1",
    more: str = "",
    observed: str = NOW,
) -> bytes:
    """The XML of a filled form as JavaRosa writes it."""
    old = f"<deprecatedID>uuid:{deprecated}</deprecatedID>" if deprecated else ""
    return (
        "<?xml version='1.0' ?>"
        f'<data id="{form}" version="{version}" xmlns:ev="http://www.w3.org/2001/xml-events" '
        'xmlns:orx="http://openrosa.org/xforms" xmlns:odk="http://www.opendatakit.org/xforms" '
        'xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<_where><_station>{station}</_station><_observed_at>{observed}</_observed_at><_location/><_outside/></_where>"
        f"{answers}<_more>{more}</_more>"
        f"<meta><instanceID>uuid:{instance or uuid.uuid4()}</instanceID>{old}</meta></data>"
    ).encode()


def build_part(name: str, content: bytes, *, filename: str = "", kind: str = "") -> bytes:
    """One part as OkHttp writes it."""
    file = f'; filename="{filename}"' if filename else ""
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    head = f'Content-Disposition: form-data; name="{name}"{file}\r\n{typed}Content-Length: {len(content)}\r\n\r\n'
    return f"--{BOUNDARY}\r\n{head}".encode() + content + b"\r\n"


def build_multipart(body: bytes, files: dict[str, bytes] | None = None, *, incomplete: bool = False) -> bytes:
    parts = [build_part("xml_submission_file", body, filename="Voting_2022-11-20_10-00-00.xml", kind="text/xml")]
    parts += [build_part(name, content, filename=name, kind="image/jpeg") for name, content in (files or {}).items()]
    if incomplete:
        parts.append(build_part("*isIncomplete*", b"yes"))
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class CollectClient:
    """One phone's Collect, set up by its token or by Basic."""

    def __init__(self, phone: Phone | None = None, token: str | None = None, **headers: str) -> None:
        self.base = f"/api/openrosa/k/{token or (phone.token if phone else 'x' * 43)}"
        self.headers = HEADERS | headers
        self.client = Client()

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(f"{self.base}/{address}", headers=self.headers | headers)

    def head(self) -> Any:
        return self.client.head(f"{self.base}/submission?deviceID=collect%3A1", headers=self.headers)

    def post(self, body: bytes, **more: Any) -> Any:
        """A body of several parts, as it is."""
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.client.generic(
            "POST",
            f"{self.base}/submission?deviceID=collect%3A1",
            body,
            kind,
            headers=self.headers,
            **{"CONTENT_TYPE": kind, **more},
        )

    def send(self, body: bytes, files: dict[str, bytes] | None = None, *, incomplete: bool = False) -> Any:
        return self.post(build_multipart(body, files, incomplete=incomplete))
