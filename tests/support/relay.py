"""Files as a phone without a network saves them."""

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
from observer.services.registry.relay_keys import relay_keys_set
from tests.support.world import Phone


def with_key(election: Election) -> Election:
    relay_keys_set(election)
    election.save()
    return election


def header(phone: Phone, kind: str, **fields: Any) -> dict[str, Any]:
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


def sealed(content: bytes, key: str) -> bytes:
    out = io.BytesIO()
    pyrage.encrypt_io(io.BytesIO(content), out, [x25519.Recipient.from_str(key)])
    return out.getvalue()


def reports_file(phone: Phone, bodies: Iterable[dict[str, Any] | bytes], key: str = "", **fields: Any) -> bytes:
    lines = [json.dumps(header(phone, "reports", **fields)).encode()]
    lines += [body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode() for body in bodies]
    return sealed(b"\n".join(lines) + b"\n", key or _key(phone))


Record = tuple[str, int, bytes]  # evidence id, offset, bytes


def files_file(phone: Phone, records: Iterable[Record], key: str = "", **fields: Any) -> bytes:
    content = json.dumps(header(phone, "files", **fields)).encode() + b"\n"
    content += b"".join(RECORD.pack(UUID(key).bytes, offset, len(data)) + data for key, offset, data in records)
    return sealed(content, key or _key(phone))


def cut_up(uuid: str, content: bytes, size: int = 300_000) -> Sequence[Record]:
    return [(uuid, start, content[start : start + size]) for start in range(0, len(content), size)]


def announced(uuid: str, content: bytes, **fields: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"id": uuid, "sha256": digest, "size": len(content), "type": "application/pdf"} | fields


def _key(phone: Phone) -> str:
    return Election.objects.get(pk=phone.device.election_id).relay_key
