"""The table: who gets what at every address that is not the phone's own (those are in `tests/api/test_permissions.py`).

A row holds the answers to GET, in the order of `WHO`. What one may not know of is answered as what does not exist.
`tests/test_permissions.py` asks.
"""

LOGIN = 302  # where a stranger to the admin is sent
# Of the staff: name, role, where. The last three are of another territory, election and organisation.
STAFF = {
    "no grant": ("", ""),
    "inside": ("territorial", "KZ-1"),
    "national": ("national", "KZ"),
    "administrator": ("administrator", "KZ"),
    "verifier": ("verifier", "KZ-1"),
    "lawyer": ("lawyer", "KZ-1"),
    "publisher": ("publisher", "KZ-1"),
    "reader": ("reader", "KZ"),
    "outside": ("territorial", "KZ-2"),
    "foreign": ("administrator", "closed-2022"),
    "partner": ("territorial", "KZ-1"),
}
STRANGERS = ("nobody", "phone")
WHO = (*STRANGERS, *STAFF, "superuser")

HERE = {"inside", "national", "administrator", "verifier", "lawyer", "publisher", "reader", "superuser"}
ROLES = HERE | {"outside", "foreign", "partner"}
COORDINATORS = {"inside", "national", "administrator", "superuser", "outside", "foreign", "partner"}
LAWYERS = {"administrator", "lawyer", "foreign", "superuser"}
ADMINISTRATORS = {"administrator", "foreign", "superuser"}
CASE_WORKERS = (COORDINATORS | {"verifier", "lawyer"}) & HERE
CALLERS = COORDINATORS - {"foreign"} | {"verifier", "lawyer"}
EXPORTERS = (COORDINATORS | LAWYERS | {"publisher"}) - {"verifier", "reader"}
EXPORTERS_HERE = COORDINATORS - {"foreign"} | {"lawyer", "publisher"}
ROOT = {"superuser"}

# Nouns: who may open the list; who sees the row in `inside`'s territory; who may write (so far as they see it);
# whether rows are added and deleted there (None: this one is not).
NOUNS: dict[str, tuple[set[str], set[str], set[str], bool, bool | None]] = {
    "observer.Alert": (ADMINISTRATORS, ADMINISTRATORS & HERE, set(), False, False),
    "observer.Assignment": (COORDINATORS, COORDINATORS & HERE, COORDINATORS, True, True),
    "observer.Call": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "observer.Commission": (ROLES, HERE | {"partner"}, ADMINISTRATORS, True, False),
    "observer.Consent": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "observer.Contest": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, False),
    "observer.Device": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "observer.Election": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, False),
    "observer.EnrolmentCode": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "observer.Grant": (ADMINISTRATORS, ADMINISTRATORS & HERE, ROOT, True, True),
    "observer.Level": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, True),
    "observer.Observer": (COORDINATORS, COORDINATORS & HERE, COORDINATORS, True, False),
    "observer.Organisation": (ROLES, HERE, ROOT, True, True),
    "observer.RecoveryCode": (ROOT, ROOT, set(), False, False),
    "observer.SecondFactor": (ROOT, ROOT, set(), False, False),
    "observer.SignIn": (ROOT, ROOT, set(), False, False),
    "observer.Trail": (ADMINISTRATORS, ADMINISTRATORS & HERE, set(), False, False),
    "observer.User": (ROOT, ROOT, ROOT, True, True),
    "observer.WrongGuess": (ROOT, ROOT, set(), False, False),
    "reports.Case": (ROLES, HERE, COORDINATORS | {"verifier", "lawyer"}, True, False),
    "reports.CaseComment": (ROLES, HERE, set(), False, False),
    "reports.CaseConsent": (ROLES, HERE, set(), False, False),
    "reports.CaseExport": (LAWYERS, LAWYERS & HERE, set(), False, False),
    "reports.CaseFile": (COORDINATORS | {"verifier", "lawyer"}, CASE_WORKERS, set(), False, False),
    "reports.Check": (ROLES, HERE, set(), False, False),
    "reports.Complaint": (ROLES, HERE, set(), False, False),
    "reports.Checklist": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, False),
    "reports.ChecklistFile": (ROLES, ROLES - {"foreign"}, set(), False, False),
    "reports.ChecklistVersion": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, None),  # a published one stays
    "reports.Due": (ROOT, ROOT, set(), False, False),
    "reports.Evidence": (ROLES, HERE, set(), False, False),
    "reports.Export": (ADMINISTRATORS, ADMINISTRATORS & HERE, set(), False, False),
    "reports.Import": (ROOT, ROOT, set(), False, False),
    "reports.KeyRotation": (ROOT, ROOT, set(), False, False),
    "reports.Message": (COORDINATORS, COORDINATORS & HERE, COORDINATORS, True, False),
    "reports.MessageRead": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "reports.Note": (ROLES, HERE, set(), False, False),
    "reports.Question": (ROLES, ROLES - {"foreign"}, set(), False, False),
    "reports.Refusal": (LAWYERS, LAWYERS & HERE, set(), False, False),
    "reports.RelayFile": (ROOT, ROOT, set(), False, False),
    "reports.Release": (
        EXPORTERS,
        {"national", "administrator", "superuser"},
        ADMINISTRATORS | {"national"},
        True,
        False,
    ),
    "reports.ReleaseContent": (ROOT, ROOT, set(), False, False),
    "reports.ReleaseRow": (ROOT, ROOT, set(), False, False),
    "reports.Reply": (ROLES, HERE, COORDINATORS | {"verifier", "lawyer"}, True, False),
    "reports.Report": (ROLES, HERE, set(), False, False),
    "reports.Section": (ROLES, ROLES - {"foreign"}, set(), False, False),
    "reports.SetAside": (COORDINATORS, COORDINATORS & HERE, set(), False, False),
    "reports.Summary": (ROLES, HERE, set(), False, False),
    "reports.Unkept": (LAWYERS, LAWYERS & HERE, set(), False, False),
    "reports.Violation": (ROLES, HERE, set(), False, False),
    "reports.ViolationGroup": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, False),
    "reports.ViolationType": (ROLES, ROLES - {"foreign"}, ADMINISTRATORS, True, False),
}
# An observer whom nobody sent anywhere is seen by those of the whole election only, so only they add one;
# elections and organisations are everyone's.
ADDERS = {
    "observer.Observer": {"national", "administrator", "foreign", "superuser"},
    "observer.Election": ROOT,
}


def said_to(who: str, label: str, name: str) -> int:
    """What the table says that `who` gets for a page of a noun: `changelist`, `add`, `change`, `delete`, `history`."""
    lookers, seers, writers, can_add, can_delete = NOUNS[label]
    if who in STRANGERS:
        return LOGIN
    if name == "history":
        return 200 if who in seers else 302
    if name == "changelist":
        return 200 if who in lookers else 403
    if name == "add":
        return 200 if can_add and who in ADDERS.get(label, writers) else 403
    if name == "change":
        return 200 if who in seers else 302 if who in lookers else 403
    if can_delete is False or who not in writers:
        return 403
    return (200 if can_delete else 403) if who in seers else 302


def staff(yes: set[str], no: int = 404) -> tuple[int, ...]:
    """200 for some of the staff, `no` for the others; strangers are sent to the login."""
    return tuple(LOGIN if who in STRANGERS else 200 if who in yes else no for who in WHO)


def posted(yes: set[str]) -> tuple[int, ...]:
    """An address that is only posted to: 405 for whom it is there."""
    return tuple(LOGIN if who in STRANGERS else 405 if who in yes else 404 for who in WHO)


def signed_in(code: int) -> tuple[int, ...]:
    return staff(set(), code)


# Pages of a release, of which there is none.
RELEASED = ("", "statement.docx", "search/", "method/", "data/", "statement/", "KZ/", "KZ/share.png", "KZ/voting/V03/")
EVERYONE = (200,) * len(WHO)
OTHERS = {
    "admin/": signed_in(200),
    "admin/login/": (200, 200, *(302,) * (len(WHO) - 2)),
    "admin/logout/": signed_in(405),
    "admin/password_change/": signed_in(200),
    "admin/password_change/done/": signed_in(200),
    "admin/autocomplete/": signed_in(403),  # what it finds: below
    "admin/jsi18n/": signed_in(200),
    "admin/r/1/1/": signed_in(404),
    "admin/observer/": staff(ROLES),
    "admin/anything": signed_in(404),
    "admin/observer/user/{user}/password/": staff(ROOT, 403),
    "admin/reports/evidence/{evidence}/picture/": staff(HERE),
    "admin/reports/evidence/{evidence}/thumbnail/": staff(HERE),
    "admin/reports/evidence/{evidence}/original/": staff(LAWYERS & HERE),
    "admin/reports/report/{report}/body/": staff(LAWYERS & HERE),
    "admin/reports/refusal/{refusal}/body/": staff(LAWYERS & HERE),
    "admin/reports/checklist/import/": staff(ADMINISTRATORS, 403),
    "admin/reports/checklistversion/{version}/xlsx/": staff(ROLES - {"foreign"}),
    "admin/login/code/": (302,) * len(WHO),
    "admin/login/second-factor/": tuple(302 if who in (*STRANGERS, "superuser") else 200 for who in WHO),
    "desk/me/": signed_in(200),
    "admin/reports/release/{release}/review/": staff({"national", "administrator", "superuser"}),
    "desk/": signed_in(302),
    "desk/language/": (405,) * len(WHO),
    "desk/test-2022/observers/{observer}/person/": staff((COORDINATORS | {"verifier", "lawyer"}) & HERE),
    "desk/test-2022/staff/": staff({"administrator", "superuser"}),
    "desk/test-2022/alerts/{alert}/": posted({"administrator", "superuser"}),
    "desk/test-2022/board/": staff(ROLES - {"foreign"}),
    "desk/test-2022/stations/": staff(ROLES - {"foreign"}),
    "desk/test-2022/stations/find/": signed_in(404),  # without a code
    "desk/test-2022/stations/{station}/": staff(HERE | {"partner"}),
    "desk/test-2022/stations/{station}/call/{observer}/": posted(CALLERS),
    "desk/test-2022/stations/{station}/dictate/{observer}/": staff((COORDINATORS | {"verifier"}) & HERE),
    "desk/test-2022/stations/{station}/phone/{observer}/": staff(COORDINATORS & HERE),
    "desk/test-2022/assignments/{assignment}/replace/{observer}/": staff(COORDINATORS & HERE),
    "desk/test-2022/calls/": staff(CALLERS),
    "desk/test-2022/calls/{call}/": posted(CALLERS),
    "desk/test-2022/imports/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/imports/{import}/": staff({"superuser"}),  # whoever uploaded it, nobody else
    "desk/test-2022/imports/templates/observers/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/imports/templates/commissions/": staff({"administrator", "superuser"}),
    "desk/test-2022/rehearsals/": staff(COORDINATORS - {"foreign"} | {"verifier"}),
    "desk/test-2022/messages/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/messages/new/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/messages/{message}/": staff(COORDINATORS & HERE),
    "desk/test-2022/sheets/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/papers/": staff(ROLES - {"foreign"}),
    "desk/test-2022/papers/{version}/kk/": staff(ROLES - {"foreign"}),
    "desk/test-2022/checks/": staff(COORDINATORS - {"foreign"} | {"verifier"}),
    "desk/new/": staff(ADMINISTRATORS),
    "desk/test-2022/invite/": staff({"national", "administrator", "superuser"}),
    "desk/test-2022/ready/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/ready/places/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/enrolled/": staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/reports/{report}/": staff(HERE),
    "desk/test-2022/observers/{observer}/quarantine/": staff(COORDINATORS & HERE),
    "desk/test-2022/cases/": staff(ROLES - {"foreign"}),
    "desk/test-2022/cases/new/": staff(CALLERS),
    "desk/test-2022/cases/{case}/": staff(HERE),
    "desk/test-2022/cases/{case}/papers/{paper}/": staff(CASE_WORKERS),
    "desk/test-2022/cases/{case}/exports/{export}/": staff(LAWYERS & HERE),
    "desk/test-2022/cases/{case}/complaints/{complaint}/": staff(CASE_WORKERS),
    "desk/test-2022/cases/{case}/complaints/{complaint}/print/": staff(CASE_WORKERS),
    "desk/test-2022/exports/": staff(EXPORTERS_HERE),
    "desk/test-2022/exports/new/": staff(EXPORTERS_HERE),
    "desk/test-2022/exports/{listed}/": staff(ROOT),  # whoever asked for it, alone
    "": (302,) * len(WHO),
    "robots.txt": EVERYONE,
    "en/": EVERYONE,
    "en/test-2022/": EVERYONE,
    "en/test-2022/KZ/": EVERYONE,
    **{f"en/test-2022/{one}": EVERYONE for one in ("releases/", "method/", "KZ/share.png")},
    # The release of this world is a draft: on these pages there is none, whoever asks.
    **{f"en/test-2022/{one}": (404,) * len(WHO) for one in ("search/", "data/", "statement/")},
    **{f"en/test-2022/releases/1/{one}": (404,) * len(WHO) for one in RELEASED},
    "data/test-2022/1/x.csv": (404,) * len(WHO),
    "en/closed-2022/KZ/": (404,) * len(WHO),
    "en/test-2022/KZ/voting/V03/": EVERYONE,
    "data/test-2022/1/figures.csv": (404,) * len(WHO),
    "photos/{approved}": EVERYONE,
    "photos/{withheld}": (404,) * len(WHO),
    "healthz": EVERYONE,
    "readyz": EVERYONE,
    "metrics": (404,) * len(WHO),  # without its token
    "static/css/baqylau.css": EVERYONE,
    "relay/": (302,) * len(WHO),
    "relay/kk/": EVERYONE,
    "phone/": EVERYONE,
    "phone/manifest.webmanifest": EVERYONE,
    "phone/sw.js": EVERYONE,
    "phone/words/en.json": EVERYONE,
    "phone/files/nothing.js": (404,) * len(WHO),
    "api/anything": (404,) * len(WHO),
    # Forms for ODK Collect ask for their own key or for Basic: a phone's token and the desk's session are neither.
    "api/openrosa/": (401,) * len(WHO),
    "api/openrosa/formList": (401,) * len(WHO),
    "api/openrosa/submission": (405,) * len(WHO),
    "api/openrosa/forms/voting/1.xml": (401,) * len(WHO),
    "api/openrosa/forms/voting/1/manifest": (401,) * len(WHO),
    "api/openrosa/forms/voting/1/files/x.csv": (401,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/": (403,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/formList": (403,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/submission": (405,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1.xml": (403,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/manifest": (403,) * len(WHO),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/files/x.csv": (403,) * len(WHO),
}
# Rooms with tables of their own: each of their addresses is in it.
ROOMS = ("api/v1/", "api/schema/", "api/docs/")
