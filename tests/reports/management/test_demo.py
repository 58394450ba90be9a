"""The demo data: it is complete, reproducible and leaks no personal data to disk."""

import base64
import json
import os
import re
import subprocess
import sys
import unicodedata
from datetime import date
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command

from observer.models import Commission, Election, EnrolmentCode, Observer, User
from reports.management.demo import answers
from reports.management.demo.geography import apportion, is_inside, load_regions
from reports.management.demo.people import FAMILY_NAMES
from reports.management.demo.photos import draw_photo
from reports.management.demo.seeded_random import make_random, make_uuid
from reports.models import Due, Evidence, Report, Summary, Violation
from reports.services.figures.format import format_figure

PACK_FOLDER = Path(settings.PACKS_DIR) / "kz"


class TestChance:
    def test_is_reproducible_and_differs_by_key(self):
        assert make_random("a", 1).random() == make_random("a", 1).random() != make_random("a", 2).random()
        assert make_uuid("report", 1) == make_uuid("report", 1) != make_uuid("report", 2)

    def test_apportioned_shares_are_whole_numbers_that_add_up(self):
        assert apportion([1, 1, 1], 100) == [34, 33, 33]
        assert sum(apportion([475, 717, 366, 606], 1200)) == 1200

    def test_the_negative_share_of_counts_is_that_of_2022(self):
        assert format_figure(65, 111) == "65"
        assert answers.NEGATIVE_SHARES["counting"] == pytest.approx(65 / 111)

    def test_a_drawn_photo_is_a_jpeg_and_the_same_again(self):
        data = draw_photo("opening", "KZ-75-03-0375", 1)
        assert data[:2] == b"\xff\xd8"
        assert data == draw_photo("opening", "KZ-75-03-0375", 1) != draw_photo("opening", "KZ-75-03-0375", 2)


class TestRegions:
    def test_there_are_the_twenty_real_regions(self):
        found = load_regions(PACK_FOLDER)
        assert len(found) == 20
        assert {one.code: one.stations for one in found}["75"] == 600

    def test_a_point_is_in_its_region_and_in_no_other(self):
        almaty = [one.code for one in load_regions(PACK_FOLDER) if is_inside(one, 76.945, 43.238)]
        assert almaty == ["75"]
        assert [one.code for one in load_regions(PACK_FOLDER) if is_inside(one, 37.6, 55.7)] == []


def load_demo_data() -> str:
    out = StringIO()
    call_command("load_demo", address="http://127.0.0.1:9999", stdout=out)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.once
class TestLoading:
    def test_loads_the_documented_data_and_loading_again_changes_nothing(self, transactional_db):
        told = load_demo_data()
        election = Election.objects.get(slug="kz-2022-president")
        assert (election.date, election.publication, election.timezone) == (date(2022, 11, 20), "live", "Asia/Almaty")
        self.check_places(election)
        self.check_reports()
        assert "http://127.0.0.1:9999/admin/" in told
        assert re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4} .* OB-7F3K", told)
        password = re.search(r"admin / (\S+)", told)
        assert password
        assert User.objects.get(username="admin").check_password(password[1])
        assert Due.objects.count() == 0
        call_command("check_summaries", stdout=StringIO())

        before = self.collect_figures()
        load_demo_data()
        assert self.collect_figures() == before
        assert EnrolmentCode.objects.count() == 2
        call_command("check_summaries", stdout=StringIO())

    def collect_figures(self) -> tuple[object, ...]:
        return (
            list(Summary.objects.order_by("pk").values_list("pk", "revision", "tally")),
            Report.objects.count(),
            Observer.objects.count(),
            Evidence.objects.count(),
            Commission.objects.count(),
        )

    def check_places(self, election: Election) -> None:
        places = election.commissions
        assert places.filter(level__code="region").count() == 20
        precincts = list(places.precincts().select_related("parent__parent"))
        assert len(precincts) == 1200
        assert all("synthetic" in one.names["en"] for one in precincts)
        assert all("вымышлен" in one.names["ru"] and "ойдан шығарылған" in one.names["kk"] for one in precincts)
        assert places.get(code="KZ-75-03-0375").parent.code == "KZ-75-03"
        assert max(one.voters for one in precincts) <= 3000
        assert 1100 < sum(one.voters for one in precincts) / 1200 < 1240
        outlines = {f"KZ-{one.code}": one for one in load_regions(PACK_FOLDER)}
        assert all(is_inside(outlines[one.parent.parent.code], one.lon, one.lat) for one in precincts)
        assert places.get(code="KZ-23").zone == "Asia/Atyrau"

    def check_reports(self) -> None:
        assert Observer.objects.count() == 300
        assert all(
            re.fullmatch(r"OB-[2-9A-HJ-NP-Z]{4}", code) for code in Observer.objects.values_list("code", flat=True)
        )
        assert 3800 < Report.objects.count() < 4300
        assert set(Report.objects.values_list("state", flat=True)) == {"received", "held", "rejected", "verified"}
        assert Report.objects.filter(rehearsal=True).exists()
        assert Report.objects.filter(superseded=True).exists()
        assert set(Violation.objects.values_list("state", flat=True)) == set(Violation.State.values)
        assert Evidence.objects.filter(approved_at__isnull=False).count() == 12
        assert Evidence.objects.filter(state="awaited").count() == 4
        assert Evidence.objects.filter(flags__icontains="same_file_elsewhere").exists()


EDIT_SCRIPT = """
import json, shutil, sys
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment
from observer.models import Observer, User
setup_test_environment()
client = Client()
client.force_login(User.objects.get(username="admin"))
observer = Observer.objects.get(code="OB-7F3K")
address = f"/admin/observer/observer/{observer.pk}/change/"
page = client.get(address)
fields = {name: bound.value() or "" for name in page.context["adminform"].form.fields
          for bound in [page.context["adminform"].form[name]]}
for formset in page.context["inline_admin_formsets"]:
    fields |= {field.html_name: field.value() for field in formset.formset.management_form}
fields |= {"name": "Қайрат Жасырынұлы", "phone": "+77077654321", "email": "hidden.person@secret.example"}
answer = client.post(address, fields)
assert answer.status_code == 302, answer.context["adminform"].form.errors
observer.refresh_from_db()
assert observer.name == "Қайрат Жасырынұлы", observer.name
assert client.get("/admin/observer/observer/", {"q": "+7 707 765 43 21"}).context["cl"].result_count == 1
people = [[o.name, o.phone, o.email, o.accreditation_number] for o in Observer.objects.all()]
out = sys.argv[-1]
json.dump(people, open(out + "/people.json", "w"))
shutil.copytree(settings.DATA_DIR, out + "/open")  # with the journal, while the database is open
"""


ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1251", "koi8-r")
MIN_NEEDLE_BYTES = 6  # shorter ones occur by chance in 20 MB of encrypted bytes


def list_byte_forms(text: str) -> set[bytes]:
    """The bytes of a text in every encoding and escape in which it could be stored."""
    cases = {text, text.lower(), text.upper()}
    whole = {unicodedata.normalize(form, case) for case in cases for form in ("NFC", "NFD")}
    escaped = {json.dumps(case)[1:-1] for case in whole}
    escaped |= {one.upper().replace("\\U", "\\u") for one in escaped}
    quoted = {quote(case) for case in whole} | {quote(case).lower() for case in whole}
    found = {encode_or_empty(way, encoding) for way in whole | escaped | quoted for encoding in ENCODINGS}
    found |= {
        one for way in whole for encoding in ENCODINGS for one in list_base64_forms(encode_or_empty(way, encoding))
    }
    return {one for one in found if len(one) >= MIN_NEEDLE_BYTES}


def encode_or_empty(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b""  # the encoding cannot contain it


def list_base64_forms(content: bytes) -> set[bytes]:
    """The base64 strings of these bytes inside a longer text, for each of the three alignments."""
    found = set()
    for before in range(3):
        text = base64.b64encode(bytes(before) + content)
        seen = text[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        found |= {seen, seen.translate(bytes.maketrans(b"+/", b"-_"))} if len(seen) >= 8 else set()
    return found


def grep_folders(*folders: Path, wanted: Path) -> bytes:
    """The matches of the byte strings in the file `wanted` (one per line), as `grep` prints them.

    Searching in Python takes half a minute, `grep` a second.
    """
    options = ["--recursive", "--only-matching", "--text", "--fixed-strings", "--file", str(wanted)]
    command = ["grep", *options, *map(str, folders)]
    done = subprocess.run(command, env=os.environ | {"LC_ALL": "C"}, capture_output=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


class TestByteForms:
    def test_finds_a_text_in_every_encoding(self):
        name = "Жасырынов"
        needles = list_byte_forms(name)
        assert not any(needle in "Жасыр".encode(encoding) for needle in needles for encoding in ENCODINGS)
        for way in (
            *(name.encode(encoding) for encoding in ENCODINGS),
            *(name.encode(encoding) for encoding in ("utf-16", "utf-32")),
            json.dumps({"name": name}).encode(),
            quote(f"name={name}&x").encode(),
            unicodedata.normalize("NFD", "Қайратұлы Жасырынов").encode(),
            *(base64.b64encode(b"x" * shift + name.encode() + b"tail") for shift in range(3)),
            *(base64.urlsafe_b64encode(b"x" * shift + name.encode("cp1251") + b"tail") for shift in range(3)),
        ):
            assert any(needle in way for needle in needles), way


@pytest.mark.slow
@pytest.mark.once
class TestSecrecy:
    def test_no_name_phone_mail_or_key_is_in_the_data_folder(self, tmp_path: Path):
        data, keys, out = tmp_path / "d", tmp_path / "k", tmp_path / "o"
        out.mkdir()
        hidden = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "LOOKUP_KEY", "FIELD_KEYS", "ALLOWED_HOSTS")
        env = {key: value for key, value in os.environ.items() if key not in hidden}
        env |= {"DATA_DIR": str(data), "KEYS_DIR": str(keys)}

        def manage(*words: str) -> None:
            subprocess.run(
                [sys.executable, "manage.py", *words], check=True, env=env, cwd=settings.BASE_DIR, timeout=300
            )

        manage("migrate", "-v0")
        manage("load_demo")
        script = out / "edit.py"
        script.write_text(f"import sys\nsys.argv.append({str(out)!r})\n{EDIT_SCRIPT}", "utf-8")
        manage("shell", "-v0", "-c", f"exec(open({str(script)!r}).read())")

        people = json.loads((out / "people.json").read_text())
        assert len(people) == 300
        # Every observer's values have one of these parts: a few thousand whole ones would take minutes. Digits
        # are eight at least: seven stand in one of so many hashes by chance.
        parts = (*FAMILY_NAMES, "77000000", "observers.example", "ДЕМО-0", "Жасырынұлы", "77077654321", "hidden.person")
        assert all(any(part in value for part in parts) for person in people for value in person)
        secrets = [line for file in keys.iterdir() for line in file.read_text().split()]
        assert len(secrets) == 3
        needles = {way for text in (*parts, *secrets) for way in list_byte_forms(text)}
        assert not any(b"\n" in needle for needle in needles)
        wanted = tmp_path / "needles"
        wanted.write_bytes(b"".join(needle + b"\n" for needle in needles))
        files = [file for folder in (data, out / "open") for file in folder.rglob("*") if file.is_file()]
        assert any(file.name.endswith("-wal") for file in files)
        assert any(b"OB-7F3K" in file.read_bytes() for file in files)
        assert grep_folders(data, out / "open", wanted=wanted) == b""
        (data / "leak").write_bytes("…Жасырынұлы…".encode("utf-16-be"))
        assert b"leak:" + "Жасырынұлы".encode("utf-16-be") in grep_folders(data, out / "open", wanted=wanted)
