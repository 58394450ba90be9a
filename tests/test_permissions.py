"""Everyone gets what the table (`tests/support/permissions.py`) says, at every address that is not the phone's own.

The addresses are walked from the resolver: one that no row names fails.
"""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from observer.models import Alert, Call, Election, Grant, Organisation, User
from observer.services.accounts.access import reach_of
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
from tests.support.permissions import HERE, NOUNS, OTHERS, ROLES, ROOMS, STAFF, WHO, said_to
from tests.support.world import DAY, World, make_election, make_tree, words

UNKNOWN = 987654321


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
    closed = make_election("closed-2022", publication="closed")
    places = full.tree | {"closed-2022": make_tree(closed)["KZ"]}
    other = Organisation.objects.create(code="other", names=words("other"))
    Message.objects.create(election=full.election, commission=full.tree["KZ-1-1"], texts=words("x"), sent_at=DAY)
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


def row_of(model):
    """A row in the territory of `inside`, where rows have a territory."""
    rows, reach = model._default_manager.order_by("pk"), reach_of(model)
    if reach is None:
        return rows.first()
    if not reach.places:
        return rows.filter(**{reach.election or "pk": Election.objects.get(slug="test-2022").pk}).first()
    start = reach.places[0]
    return rows.filter(**{f"{start}__path__startswith" if start else "path__startswith": "KZ/KZ-1/"}).first()


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


@pytest.mark.slow
@pytest.mark.once
class TestEveryNoun:
    def test_is_shown_to_whom_the_table_says(self, people: dict[str, Client]):
        expected, found = {}, {}
        for model in MODELS:
            row = row_of(model)
            for name in ("changelist", "change", "history", "add", "delete"):
                args = [row.pk] if name in ("change", "history", "delete") else []
                expected[label(model), name] = tuple(said_to(who, label(model), name) for who in WHO)
                found[label(model), name] = answers(people, page(model, name, *args))
        wrong = {key: (found[key], expected[key]) for key in found if found[key] != expected[key]}
        assert wrong == {}, str(wrong)

    def test_is_unknown_to_whom_it_is_forbidden(self, people: dict[str, Client]):
        told = []
        for model in MODELS:
            row = row_of(model)
            for who in set(WHO) - NOUNS[label(model)][1]:
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
            _lookers, seers, writers, _can_add, _can_delete = NOUNS[label(model)]
            for who in set(WHO) - (seers & writers):
                for name, args in (("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
                    answer = people[who].post(page(model, name, *args), {"post": "yes", "names__en": "x", "code": "x"})
                    refused = (200, 302, 403) if name == "add" and who in writers else (302, 403)
                    assert answer.status_code in refused, (label(model), who, name)
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
        for address in OTHERS:
            Evidence.objects.update(approved_at=DAY if "{approved}" in address else None)
            found[address] = answers(people, "/" + address.format(**known))
        wrong = {key: found[key] for key in found if found[key] != OTHERS[key]}
        assert wrong == {}, str(wrong)

    def test_names_found_while_typing_are_those_one_may_see(self, people: dict[str, Client], full: World):
        asked = {"app_label": "observer", "model_name": "assignment", "field_name": "commission", "term": "KZ-1-1-1"}
        found = {who: people[who].get(reverse("admin:autocomplete"), asked) for who in WHO}
        assert {who for who in WHO if found[who].status_code == 200} == ROLES
        here = str(full.tree["KZ-1-1-1"].pk)
        shown = {who: [one["id"] for one in found[who].json()["results"]] for who in ROLES}
        assert {who for who in ROLES if here in shown[who]} == HERE | {"partner"}
        assert shown["outside"] == []
