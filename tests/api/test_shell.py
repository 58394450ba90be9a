"""/phone/…: the phone client's application shell, the same for everybody."""

import base64
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from observer.models import Election
from tests.support.proxy import remove_proxy_suffix
from tests.support.world import make_election

pytestmark = [pytest.mark.once, pytest.mark.django_db]
ADDRESSES = (
    "/phone/",
    "/phone/manifest.webmanifest",
    "/phone/sw.js",
    "/phone/words/kk.json",
    "/phone/files/main.js",
    "/phone/files/icons/icon-192.png",
)


def list_files(client: Client) -> dict[str, str]:
    return json.loads(re.search(r"const FILES = (\{.*?\});", client.get("/phone/sw.js").content.decode(), re.S)[1])


def get_version(client: Client) -> str:
    return re.search(r'const VERSION = "(\w+)"', client.get("/phone/sw.js").content.decode())[1]


@pytest.fixture
def phone_dir_copy(settings: Any, tmp_path: Path) -> Path:
    settings.PHONE_DIR = tmp_path / "phone"
    shutil.copytree(configured.BASE_DIR / "static" / "phone", settings.PHONE_DIR)
    return settings.PHONE_DIR


class TestEveryAnswer:
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_it_is_revalidated_at_each_use_and_304_when_unchanged(self, client: Client, address: str) -> None:
        answer = client.get(address)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-cache")
        assert not answer["ETag"].startswith("W/")
        again = client.get(address, headers={"if-none-match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_its_policy_allows_only_its_own_files(self, client: Client, address: str) -> None:
        Election.objects.all().delete()
        answer = client.get(address)
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: data:",
            "media-src": "blob:",
            "worker-src": "'self'",
            "manifest-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "connect-src": "'self'",
        }
        assert answer["Permissions-Policy"] == "camera=(self), microphone=(self), geolocation=(self)"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_it_is_the_same_in_every_language_and_sets_no_cookie(self, client: Client) -> None:
        pages = [client.get("/phone/", headers={"accept-language": one}) for one in ("kk", "ru", "de")]
        assert len({page.content for page in pages}) == 1
        assert not client.cookies
        assert "cookie" not in pages[0]["Vary"].lower()

    def test_it_comes_compressed_under_an_etag_of_its_own(self, client: Client) -> None:
        plain = client.get("/phone/")
        packed = client.get("/phone/", headers={"accept-encoding": "br, gzip"})
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert packed["ETag"] != plain["ETag"]
        assert "Accept-Encoding" in packed["Vary"]
        refusing = client.get("/phone/", headers={"accept-encoding": "gzip;q=0"})
        assert "Content-Encoding" not in refusing

    def test_a_phone_that_has_it_gets_304_through_the_proxy_too(self, client: Client) -> None:
        etag = client.get("/phone/", headers={"accept-encoding": "gzip"})["ETag"]
        brought = {"accept-encoding": "gzip", "if-none-match": remove_proxy_suffix(etag)}
        assert client.get("/phone/", headers=brought).status_code == 304

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_nobody_writes_here(self, client: Client, address: str) -> None:
        assert client.post(address).status_code == 405


class TestTheShell:
    def test_it_runs_only_files_of_its_own(self, client: Client) -> None:
        page = client.get("/phone/").content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=|<style", page)
        assert all(url.startswith("/phone/") for url in re.findall(r'(?:src|href)="([^"]+)"', page))

    def test_it_preloads_all_modules_of_the_first_screen(self, client: Client, phone_dir_copy: Path) -> None:
        (phone_dir_copy / "main.js").write_text(
            'import { a } from "./core/a.js";\nimport {\n  b,\n} from "./parts/b.js";\nconst later = () => import("./late.js");\n'
        )
        (phone_dir_copy / "core" / "a.js").write_text('export { b } from "../parts/b.js";\nimport "./c.js";\n')
        for name in ("core/c.js", "parts/b.js", "late.js"):
            (phone_dir_copy / name).write_text("export const b = 1;\n")
        page = client.get("/phone/").content.decode()
        found = re.findall(r'rel="modulepreload" href="/phone/files/([^"]+)"', page)
        assert found == ["core/a.js", "parts/b.js", "core/c.js"]

    def test_the_manifest_lets_it_be_installed(self, client: Client) -> None:
        answer = client.get("/phone/manifest.webmanifest")
        assert answer["Content-Type"] == "application/manifest+json"
        told = answer.json()
        assert (told["start_url"], told["scope"], told["display"]) == ("/phone/", "/phone/", "standalone")
        for icon in told["icons"]:
            assert client.get(icon["src"])["Content-Type"] == icon["type"]


class TestTheServiceWorker:
    def test_it_lists_every_file_with_the_digest_of_what_is_served(self, client: Client) -> None:
        files = list_files(client)
        assert {"/phone/", "/phone/manifest.webmanifest", "/phone/words/ru.json", "/phone/files/main.js"} <= set(files)
        for address, integrity in files.items():
            digest = hashlib.sha256(client.get(address).content).digest()
            assert integrity == "sha256-" + base64.b64encode(digest).decode(), address

    def test_it_is_a_script_that_browsers_ask_for_each_time(self, client: Client) -> None:
        answer = client.get("/phone/sw.js")
        assert answer["Content-Type"].startswith("text/javascript")
        assert "/phone/sw.js" not in list_files(client)

    def test_with_modules_it_also_sends_in_the_background(self, client: Client) -> None:
        plain, modules = (client.get(f"/phone/sw.js{query}").content.decode() for query in ("", "?module"))
        assert not re.search("^import ", plain, re.M)
        (address,) = re.findall(r'^import "([^"]+)";$', modules, re.M)
        assert address in list_files(client)
        assert modules.replace(f'import "{address}";\n', "") == plain

    def test_any_change_of_any_file_is_an_update(self, client: Client, phone_dir_copy: Path) -> None:
        before = get_version(client)
        (phone_dir_copy / "core").mkdir(exist_ok=True)
        (phone_dir_copy / "core" / "added.js").write_text("export const added = 1;\n")
        after = get_version(client)
        assert after != before
        assert "/phone/files/core/added.js" in list_files(client)
        (phone_dir_copy / "core" / "added.js").write_text("export const added = 10;\n")
        assert get_version(client) not in (before, after)

    def test_a_new_mirror_is_an_update_because_kept_files_keep_their_policy(self, client: Client) -> None:
        before = get_version(client)
        make_election(mirrors=["https://mirror.example"])
        assert get_version(client) != before


class TestFiles:
    @pytest.mark.parametrize(
        "name",
        [
            "missing.js",
            "sw.js",
            "../css/baqylau.css",
            "%2e%2e/css/baqylau.css",
            "vendor/vendor.json",
            ".hidden.js",
            "core",
        ],
    )
    def test_what_is_no_file_of_the_client_is_not_there(self, client: Client, phone_dir_copy: Path, name: str) -> None:
        (phone_dir_copy / ".hidden.js").write_text("secret")
        assert client.get(f"/phone/files/{name}").status_code == 404


class TestWords:
    def test_each_language_says_how_its_plurals_are_formed(self, client: Client) -> None:
        plurals = {one: client.get(f"/phone/words/{one}.json").json()["plural"] for one in ("kk", "ru", "en")}
        assert plurals == {"kk": ["one", "other"], "ru": ["one", "few", "many"], "en": ["one", "other"]}

    @pytest.mark.parametrize("language", ["de", "xx", "kk/../ru"])
    def test_another_language_is_not_there(self, client: Client, language: str) -> None:
        assert client.get(f"/phone/words/{language}.json").status_code == 404


class TestMirrors:
    def get_connect_sources(self, client: Client) -> list[str]:
        return re.search(r"connect-src ([^;]*)", client.get("/phone/")["Content-Security-Policy"])[1].split()

    def test_the_client_may_ask_those_of_announced_elections(self, client: Client) -> None:
        make_election("a-2022", mirrors=["https://b.example", "https://a.example:8443"])
        make_election("b-2022", mirrors=["https://a.example:8443"])
        make_election("draft-2022", state="draft", mirrors=["https://draft.example"])
        make_election("closed-2022", publication="closed", mirrors=["https://closed.example"])
        assert self.get_connect_sources(client) == ["'self'", "https://a.example:8443", "https://b.example"]

    @pytest.mark.parametrize(
        "wrong", ["https://a.example/path", "http://a.example", "https://a.example; script-src *", "*", "https://", 7]
    )
    def test_what_is_no_origin_reaches_no_header(self, client: Client, wrong: object) -> None:
        make_election(mirrors=[wrong, "https://good.example"])
        assert self.get_connect_sources(client) == ["'self'", "https://good.example"]
