"""Relay files for tests, as a phone without a network saves them."""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pyrage
from pyrage import x25519

from api.rest.relay_format import RECORD
from observer.models import Election
from observer.services.registry.relay_keys import set_relay_keys
from tests.support.world import Phone


def set_relay_key(election: Election) -> Election:
    set_relay_keys(election)
    election.save()
    return election


def build_header(phone: Phone, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "format": "baqylau-relay",
        "version": 1,
        "kind": kind,
        "observer": phone.observer.code,
        "device_id": str(phone.device.device_id),
        "token": phone.token,
        "made_at": "2022-11-20T21:05:00+06:00",
        "part": 1,
        "parts": 1,
    } | fields


def encrypt(content: bytes, key: str) -> bytes:
    out = io.BytesIO()
    pyrage.encrypt_io(io.BytesIO(content), out, [x25519.Recipient.from_str(key)])
    return out.getvalue()


def build_reports_file(phone: Phone, bodies: Iterable[dict[str, Any] | bytes], key: str = "", **fields: Any) -> bytes:
    lines = [json.dumps(build_header(phone, "reports", **fields)).encode()]
    lines += [body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode() for body in bodies]
    return encrypt(b"\n".join(lines) + b"\n", key or _get_key(phone))


Record = tuple[str, int, bytes]  # evidence id, offset, bytes


def build_files_file(phone: Phone, records: Iterable[Record], key: str = "", **fields: Any) -> bytes:
    content = json.dumps(build_header(phone, "files", **fields)).encode() + b"\n"
    content += b"".join(RECORD.pack(UUID(key).bytes, offset, len(data)) + data for key, offset, data in records)
    return encrypt(content, key or _get_key(phone))


def split_into_records(uuid: str, content: bytes, size: int = 300_000) -> Sequence[Record]:
    return [(uuid, start, content[start : start + size]) for start in range(0, len(content), size)]


def build_announcement(uuid: str, content: bytes, **fields: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"id": uuid, "sha256": digest, "size": len(content), "type": "application/pdf"} | fields


def _get_key(phone: Phone) -> str:
    return Election.objects.get(pk=phone.device.election_id).relay_key
