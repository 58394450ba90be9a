"""Every address answers each client as the table says.

The table is in `tests/support/permissions.py`. It covers all addresses but the phone's. The addresses come from
the URL resolver; one that is in no row of the table fails.
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from observer.models import Alert, Call, Election, Grant, Organisation, User
from observer.services.accounts.access import get_row_scope
from reports.models import (
    Case,
    CaseExport,
    CaseFile,
    ChecklistVersion,
    Complaint,
    Evidence,
    Export,
    Import,
    Message,
    Refusal,
    Release,
    Report,
)
from tests.api.conftest import PhoneClient
from tests.api.test_permissions import TABLE as PHONE
from tests.support.permissions import (
    ADDRESS_ANSWERS,
    CLIENTS,
    INSIDE_STAFF,
    MODEL_PERMISSIONS,
    PREFIXES_WITH_OWN_TABLE,
    STAFF,
    STAFF_WITH_GRANT,
    get_expected_status,
)
from tests.support.world import DAY, World, make_election, make_texts, make_tree

UNKNOWN_KEY = 987654321


def iterate_patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from iterate_patterns(one, here)
        else:
            yield here, one


def get_label(model) -> str:
    return model._meta.label


ADMIN_MODELS = sorted(admin.site._registry, key=get_label)


def get_admin_url(model, name: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def people(full: World, root: User) -> dict[str, Client]:
    closed = make_election("closed-2022", publication="closed")
    places = full.tree | {"closed-2022": make_tree(closed)["KZ"]}
    other = Organisation.objects.create(code="other", names=make_texts("other"))
    Message.objects.create(election=full.election, commission=full.tree["KZ-1-1"], texts=make_texts("x"), sent_at=DAY)
    clients = {"nobody": Client(), "phone": Client(headers=PhoneClient(full.first).headers), "superuser": Client()}
    clients["superuser"].force_login(root)
    for name, (role, code) in STAFF.items():
        user = User.objects.create_user(name, is_staff=True)
        if role:
            limit = other if name == "partner" else None
            Grant.objects.create(user=user, role=role, commission=places[code], organisation=limit)
        clients[name] = Client()
        clients[name].force_login(user)
    return clients


def find_row(model):
    """The first row of a model.

    Where rows have a territory, one in the territory of `inside`.
    """
    rows, row_scope = model._default_manager.order_by("pk"), get_row_scope(model)
    if row_scope is None:
        return rows.first()
    if not row_scope.commission_lookups:
        return rows.filter(**{row_scope.election_lookup or "pk": Election.objects.get(slug="test-2022").pk}).first()
    start = row_scope.commission_lookups[0]
    return rows.filter(**{f"{start}__path__startswith" if start else "path__startswith": "KZ/KZ-1/"}).first()


def get_statuses(people: dict[str, Client], address: str) -> tuple[int, ...]:
    return tuple(people[who].get(address).status_code for who in CLIENTS)


class TestTheTable:
    def test_has_every_model(self):
        assert set(MODEL_PERMISSIONS) == {get_label(model) for model in ADMIN_MODELS}

    def test_has_every_address(self):
        own = {"changelist", "add", "change", "delete", "history"}
        named = [
            re.sub(r"\{\w+\}", "1", row).replace("photos/1", f"photos/00/1-{'0' * 32}.jpg") for row in ADDRESS_ANSWERS
        ]
        found = [re.sub(r"\{\w+\}", "x", path).lstrip("/") for _method, path in PHONE]
        missing = []
        for route, one in iterate_patterns(get_resolver()):
            if route.startswith(PREFIXES_WITH_OWN_TABLE):
                assert any(matches_route(route, one, path) for path in found), route
            elif route.startswith("admin/") and (one.name or "").rpartition("_")[2] in own:
                continue  # a page of a model
            elif route.startswith("admin/") and route.endswith("<path:object_id>/") and one.name is None:
                continue  # the short address of a model's page, which redirects to it
            elif one.name == "unknown":
                continue  # any other address below it: "api/anything"
            elif not any(matches_route(route, one, address) for address in named):
                missing.append(route)
        assert missing == []


def matches_route(route: str, pattern: URLPattern, address: str) -> bool:
    """Whether a route matches this address, with any word for the route's parameters."""
    shape = re.sub(r"\^|\\Z|\$", "", route)
    shape = re.sub(r"<[^>]+>", "[^/]+", re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", ".+", shape))
    return re.fullmatch(shape, address) is not None


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.usefixtures("without_rendering")
class TestEveryModel:
    def test_is_shown_to_whom_the_table_says(self, people: dict[str, Client]):
        expected, found = {}, {}
        for model in ADMIN_MODELS:
            row = find_row(model)
            for name in ("changelist", "change", "history", "add", "delete"):
                args = [row.pk] if name in ("change", "history", "delete") else []
                expected[get_label(model), name] = tuple(
                    get_expected_status(who, get_label(model), name) for who in CLIENTS
                )
                found[get_label(model), name] = get_statuses(people, get_admin_url(model, name, *args))
        wrong = {key: (found[key], expected[key]) for key in found if found[key] != expected[key]}
        assert wrong == {}, str(wrong)

    def test_is_unknown_to_whom_it_is_forbidden(self, people: dict[str, Client]):
        differing = []
        for model in ADMIN_MODELS:
            row = find_row(model)
            for who in set(CLIENTS) - MODEL_PERMISSIONS[get_label(model)][1]:
                for name in ("change", "history", "delete"):
                    known, unknown = (
                        (answer.status_code, answer.get("Location", "").replace(str(key), "KEY"))
                        for key in (row.pk, UNKNOWN_KEY)
                        for answer in [people[who].get(get_admin_url(model, name, key))]
                    )
                    if known != unknown:
                        differing.append((get_label(model), who, name, known, unknown))
        assert differing == []

    def test_is_not_changed_by_whom_it_is_forbidden(self, people: dict[str, Client]):
        for model in ADMIN_MODELS:
            row = find_row(model)
            before = model._default_manager.filter(pk=row.pk).values().get()
            count = model._default_manager.count()
            _list_viewers, row_viewers, writers, _can_add, _can_delete = MODEL_PERMISSIONS[get_label(model)]
            for who in set(CLIENTS) - (row_viewers & writers):
                for name, args in (("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
                    answer = people[who].post(
                        get_admin_url(model, name, *args), {"post": "yes", "names__en": "x", "code": "x"}
                    )
                    refused = (200, 302, 403) if name == "add" and who in writers else (302, 403)
                    assert answer.status_code in refused, (get_label(model), who, name)
            assert model._default_manager.filter(pk=row.pk).values().get() == before
            assert model._default_manager.count() == count


@pytest.mark.slow
@pytest.mark.once
class TestEveryOtherAddress:
    def test_answers_as_the_table_says(self, people: dict[str, Client], full: World, settings):
        settings.METRICS_TOKEN = "a token that nobody here has"
        evidence = Evidence.objects.exclude(copy="").get()
        known = {
            "user": User.objects.get(username="root").pk,
            "evidence": evidence.pk,
            "version": ChecklistVersion.objects.get(checklist__code="voting", number=1).pk,
            "report": Report.objects.order_by("pk")[0].pk,
            "release": Release.objects.get().pk,
            "refusal": Refusal.objects.order_by("pk")[0].pk,
            "station": full.tree["KZ-1-1-1"].pk,
            "observer": full.first.observer.pk,
            "assignment": full.tree["KZ-1-1-1"].assignments.get().pk,
            "call": Call.objects.get().pk,
            "case": Case.objects.get().pk,
            "paper": CaseFile.objects.get().pk,
            "export": CaseExport.objects.get().pk,
            "listed": Export.objects.get().pk,
            "complaint": Complaint.objects.get().pk,
            "import": Import.objects.get().pk,
            "alert": Alert.objects.get().pk,
            "message": Message.objects.get(commission=full.tree["KZ-1-1"]).pk,
            "approved": evidence.copy.removeprefix("photos/"),
            "withheld": evidence.copy.removeprefix("photos/"),
        }
        found = {}
        for address in ADDRESS_ANSWERS:
            Evidence.objects.update(approved_at=DAY if "{approved}" in address else None)
            found[address] = get_statuses(people, "/" + address.format(**known))
        wrong = {key: found[key] for key in found if found[key] != ADDRESS_ANSWERS[key]}
        assert wrong == {}, str(wrong)

    def test_names_found_while_typing_are_those_one_may_see(self, people: dict[str, Client], full: World):
        asked = {"app_label": "observer", "model_name": "assignment", "field_name": "commission", "term": "KZ-1-1-1"}
        found = {who: people[who].get(reverse("admin:autocomplete"), asked) for who in CLIENTS}
        assert {who for who in CLIENTS if found[who].status_code == 200} == STAFF_WITH_GRANT
        here = str(full.tree["KZ-1-1-1"].pk)
        shown = {who: [one["id"] for one in found[who].json()["results"]] for who in STAFF_WITH_GRANT}
        assert {who for who in STAFF_WITH_GRANT if here in shown[who]} == INSIDE_STAFF | {"partner"}
        assert shown["outside"] == []
