"""Who gets what at every address that is not the phone's own (those are in `tests/api/test_permissions.py`).

The addresses are walked from the resolver: one that no row names fails. A row holds the answers to
GET, in the order of `WHO`. What one may not know of is answered as what does not exist.
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from observer.models import Grant, User
from reports.models import Evidence, Message, Refusal, Report
from tests.api.conftest import PhoneClient
from tests.api.test_permissions import TABLE as PHONE
from tests.world import DAY, World, make_election, words

# A stranger; an observer's phone; then of the staff: one without a grant, coordinators of another region,
# of this region and of the country, one who may only read, and a superuser.
WHO = ("nobody", "phone", "no grant", "outside", "inside", "national", "reader", "superuser")
UNKNOWN = 987654321
LOGIN = 302  # where a stranger to the admin is sent

# Nouns by who may look at their rows, and whether a superuser may add and delete there.
PLACE, PEOPLE, ROOT = "by territory", "by territory, people's coordinators", "superusers"
NOUNS = {
    "observer.Assignment": (PEOPLE, True, True),
    "observer.Call": (ROOT, False, False),
    "observer.Commission": (PLACE, True, False),
    "observer.Contest": (ROOT, True, False),
    "observer.Device": (PEOPLE, False, False),
    "observer.Election": (ROOT, True, False),
    "observer.EnrolmentCode": (PEOPLE, False, False),
    "observer.Grant": (ROOT, True, True),
    "observer.Level": (ROOT, True, True),
    "observer.Observer": (PEOPLE, True, False),
    "observer.Organisation": (ROOT, True, True),
    "observer.Trail": (ROOT, False, False),
    "observer.User": (ROOT, True, True),
    "reports.Case": (PLACE, True, False),
    "reports.Checklist": (ROOT, True, False),
    "reports.ChecklistFile": (ROOT, False, False),
    "reports.ChecklistVersion": (ROOT, True, None),  # a published one stays
    "reports.Due": (ROOT, False, False),
    "reports.Evidence": (PLACE, False, False),
    "reports.KeyRotation": (ROOT, False, False),
    "reports.Message": (PEOPLE, True, False),
    "reports.MessageRead": (ROOT, False, False),
    "reports.Note": (PLACE, False, False),
    "reports.Question": (ROOT, False, False),
    "reports.Refusal": (ROOT, False, False),
    "reports.Report": (PLACE, False, False),
    "reports.Section": (ROOT, False, False),
    "reports.SetAside": (PEOPLE, False, False),
    "reports.Summary": (PLACE, False, False),
    "reports.Unkept": (ROOT, False, False),
    "reports.Violation": (PLACE, False, False),
    "reports.ViolationGroup": (ROOT, True, False),
    "reports.ViolationType": (ROOT, True, False),
}
# kind, page: the answers.
PAGES = {
    (PLACE, "changelist"): (LOGIN, LOGIN, 403, 200, 200, 200, 200, 200),
    (PLACE, "change"): (LOGIN, LOGIN, 403, 302, 200, 200, 200, 200),
    (PLACE, "history"): (LOGIN, LOGIN, 302, 302, 200, 200, 200, 200),
    (PEOPLE, "changelist"): (LOGIN, LOGIN, 403, 200, 200, 200, 403, 200),
    (PEOPLE, "change"): (LOGIN, LOGIN, 403, 302, 200, 200, 403, 200),
    (PEOPLE, "history"): (LOGIN, LOGIN, 302, 302, 200, 200, 302, 200),
    (ROOT, "changelist"): (LOGIN, LOGIN, 403, 403, 403, 403, 403, 200),
    (ROOT, "change"): (LOGIN, LOGIN, 403, 403, 403, 403, 403, 200),
    (ROOT, "history"): (LOGIN, LOGIN, 302, 302, 302, 302, 302, 200),
}
ONLY_ROOT = (LOGIN, LOGIN, 403, 403, 403, 403, 403)
EVERYONE = (200,) * 8
OTHERS = {
    "admin/": (LOGIN, LOGIN, 200, 200, 200, 200, 200, 200),
    "admin/login/": (200, 200, 302, 302, 302, 302, 302, 302),
    "admin/logout/": (LOGIN, LOGIN, 405, 405, 405, 405, 405, 405),
    "admin/password_change/": (LOGIN, LOGIN, 200, 200, 200, 200, 200, 200),
    "admin/password_change/done/": (LOGIN, LOGIN, 200, 200, 200, 200, 200, 200),
    "admin/autocomplete/": (LOGIN, LOGIN, 403, 403, 403, 403, 403, 403),  # what it finds: below
    "admin/jsi18n/": (LOGIN, LOGIN, 200, 200, 200, 200, 200, 200),
    "admin/r/1/1/": (LOGIN, LOGIN, 404, 404, 404, 404, 404, 404),
    "admin/observer/": (LOGIN, LOGIN, 404, 200, 200, 200, 200, 200),
    "admin/anything": (LOGIN, LOGIN, 404, 404, 404, 404, 404, 404),
    "admin/observer/user/{user}/password/": (*ONLY_ROOT, 200),
    "admin/reports/evidence/{evidence}/picture/": (LOGIN, LOGIN, 404, 404, 200, 200, 200, 200),
    "admin/reports/evidence/{evidence}/thumbnail/": (LOGIN, LOGIN, 404, 404, 200, 200, 200, 200),
    "admin/reports/evidence/{evidence}/original/": (LOGIN, LOGIN, 404, 404, 404, 404, 404, 200),
    "admin/reports/report/{report}/body/": (LOGIN, LOGIN, 404, 404, 404, 404, 404, 200),
    "admin/reports/refusal/{refusal}/body/": (LOGIN, LOGIN, 404, 404, 404, 404, 404, 200),
    "": (302,) * 8,
    "en/": EVERYONE,
    "en/test-2022/": EVERYONE,
    "en/test-2022/KZ/": EVERYONE,
    "en/closed-2022/KZ/": (404,) * 8,
    "photos/{approved}": EVERYONE,
    "photos/{withheld}": (404,) * 8,
    "healthz": EVERYONE,
    "readyz": EVERYONE,
    "metrics": (404,) * 8,  # without its token
    "static/css/baqylau.css": EVERYONE,
    "phone/": EVERYONE,
    "phone/manifest.webmanifest": EVERYONE,
    "phone/sw.js": EVERYONE,
    "phone/words/en.json": EVERYONE,
    "phone/files/nothing.js": (404,) * 8,
    "api/anything": (404,) * 8,
    # Forms for ODK Collect ask for their own key or for Basic: a phone's token and the desk's session are neither.
    "api/openrosa/": (401,) * 8,
    "api/openrosa/formList": (401,) * 8,
    "api/openrosa/submission": (405,) * 8,
    "api/openrosa/forms/voting/1.xml": (401,) * 8,
    "api/openrosa/forms/voting/1/manifest": (401,) * 8,
    "api/openrosa/forms/voting/1/files/x.csv": (401,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/": (403,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/formList": (403,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/submission": (405,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1.xml": (403,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/manifest": (403,) * 8,
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/files/x.csv": (403,) * 8,
}
# Rooms with tables of their own: each of their addresses is in it.
ROOMS = ("api/v1/", "api/schema/", "api/docs/")


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, here)
        else:
            yield here, one


def label(model) -> str:
    return model._meta.label


MODELS = sorted(admin.site._registry, key=label)


def page(model, name: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def people(full: World, root: User) -> dict[str, Client]:
    def staff(name: str, role: str = "", code: str = "") -> Client:
        user = User.objects.create_user(name, is_staff=True)
        if role:
            Grant.objects.create(user=user, role=role, commission=full.tree[code])
        client = Client()
        client.force_login(user)
        return client

    superuser = Client()
    superuser.force_login(root)
    Message.objects.create(election=full.election, commission=full.tree["KZ-1-1"], texts=words("x"), sent_at=DAY)
    make_election("closed-2022", publication="closed")
    return {
        "nobody": Client(),
        "phone": Client(headers=PhoneClient(full.first).headers),
        "no grant": staff("nothing"),
        "outside": staff("elsewhere", "coordinator", "KZ-2"),
        "inside": staff("here", "coordinator", "KZ-1"),
        "national": staff("all", "coordinator", "KZ"),
        "reader": staff("reader", "reader", "KZ"),
        "superuser": superuser,
    }


def row_of(model):
    """A row in the territory of `inside`, where rows have a territory."""
    rows, territory = model._default_manager.order_by("pk"), admin.site.get_model_admin(model)
    start = getattr(territory, "territory", None)
    if start is None:
        return rows.first()
    return rows.filter(**{f"{start}__path__startswith" if start else "path__startswith": "KZ/KZ-1/KZ-1-1/"}).first()


def answers(people: dict[str, Client], address: str) -> tuple[int, ...]:
    return tuple(people[who].get(address).status_code for who in WHO)


class TestTheTable:
    def test_has_every_noun(self):
        assert set(NOUNS) == {label(model) for model in MODELS}

    def test_has_every_address(self):
        own = {"changelist", "add", "change", "delete", "history"}
        named = [re.sub(r"\{\w+\}", "1", row).replace("photos/1", f"photos/00/1-{'0' * 32}.jpg") for row in OTHERS]
        found = [re.sub(r"\{\w+\}", "x", path).lstrip("/") for _method, path in PHONE]
        missing = []
        for route, one in patterns(get_resolver()):
            if route.startswith(ROOMS):
                assert any(matches(route, one, path) for path in found), route
            elif route.startswith("admin/") and (one.name or "").rpartition("_")[2] in own:
                continue  # a noun's page
            elif route.startswith("admin/") and route.endswith("<path:object_id>/") and one.name is None:
                continue  # the short form of a noun's page: leads to it
            elif one.name == "unknown":
                continue  # any other word: "api/anything"
            elif not any(matches(route, one, address) for address in named):
                missing.append(route)
        assert missing == []


def matches(route: str, pattern: URLPattern, address: str) -> bool:
    """Whether the address is this route's, by the words of the route and any word for its values."""
    shape = re.sub(r"\^|\\Z|\$", "", route)
    shape = re.sub(r"<[^>]+>", "[^/]+", re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", ".+", shape))
    return re.fullmatch(shape, address) is not None


class TestEveryNoun:
    def test_is_shown_to_whom_the_table_says(self, people: dict[str, Client]):
        expected, found = {}, {}
        for model in MODELS:
            kind, can_add, can_delete = NOUNS[label(model)]
            row = row_of(model)
            for name, key, said in (
                ("changelist", [], PAGES[kind, "changelist"]),
                ("change", [row.pk], PAGES[kind, "change"]),
                ("history", [row.pk], PAGES[kind, "history"]),
                ("add", [], (*ONLY_ROOT, 200 if can_add else 403)),
                ("delete", [row.pk], (*ONLY_ROOT, 200 if can_delete else 403)),
            ):
                expected[label(model), name] = said
                found[label(model), name] = answers(people, page(model, name, *key))
        assert {key: found[key] for key in found if found[key] != expected[key]} == {}

    def test_is_unknown_to_whom_it_is_forbidden(self, people: dict[str, Client]):
        told = []
        for model in MODELS:
            row = row_of(model)
            for who in WHO[:4]:
                for name in ("change", "history", "delete"):
                    known, unknown = (
                        (answer.status_code, answer.get("Location", "").replace(str(key), "KEY"))
                        for key in (row.pk, UNKNOWN)
                        for answer in [people[who].get(page(model, name, key))]
                    )
                    if known != unknown:
                        told.append((label(model), who, name, known, unknown))
        assert told == []

    def test_is_not_changed_by_whom_it_is_forbidden(self, people: dict[str, Client]):
        for model in MODELS:
            row = row_of(model)
            before = model._default_manager.filter(pk=row.pk).values().get()
            count = model._default_manager.count()
            for who in WHO[:-1]:
                for name, args in (("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
                    answer = people[who].post(page(model, name, *args), {"post": "yes", "names__en": "x", "code": "x"})
                    assert answer.status_code in (302, 403), (label(model), who, name)
            assert model._default_manager.filter(pk=row.pk).values().get() == before
            assert model._default_manager.count() == count


class TestEveryOtherAddress:
    def test_answers_as_the_table_says(self, people: dict[str, Client], full: World, settings):
        settings.METRICS_TOKEN = "a token that nobody here has"
        evidence = Evidence.objects.exclude(copy="").get()
        known = {
            "user": User.objects.get(username="root").pk,
            "evidence": evidence.pk,
            "report": Report.objects.order_by("pk")[0].pk,
            "refusal": Refusal.objects.order_by("pk")[0].pk,
            "approved": evidence.copy.removeprefix("photos/"),
            "withheld": evidence.copy.removeprefix("photos/"),
        }
        found = {}
        for address in OTHERS:
            Evidence.objects.update(approved_at=DAY if "{approved}" in address else None)
            found[address] = answers(people, "/" + address.format(**known))
        wrong = {key: found[key] for key in found if found[key] != OTHERS[key]}
        assert wrong == {}, str(wrong)

    def test_names_found_while_typing_are_those_one_may_see(self, people: dict[str, Client]):
        asked = {"app_label": "observer", "model_name": "assignment", "field_name": "commission", "term": "KZ-1-1-1"}
        found = {who: people[who].get(reverse("admin:autocomplete"), asked) for who in WHO}
        assert [found[who].status_code for who in WHO] == [302, 302, 403, 200, 200, 200, 200, 200]
        assert [len(found[who].json()["results"]) for who in WHO[3:]] == [0, 1, 1, 1, 1]
