"""The table of permissions at every address but the phone's.

It says what each kind of client gets. The phone's addresses are in `tests/api/test_permissions.py`. A row holds
the statuses of GET, in the order of `CLIENTS`. What a client must not know of gets the same answer as what does
not exist. `tests/test_permissions.py` compares the table with the real answers.
"""

LOGIN = 302  # redirects to the login
# Users of the staff: name, role, commission. The last three are of another territory, election and organisation.
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
CLIENTS = (*STRANGERS, *STAFF, "superuser")

INSIDE_STAFF = {"inside", "national", "administrator", "verifier", "lawyer", "publisher", "reader", "superuser"}
STAFF_WITH_GRANT = INSIDE_STAFF | {"outside", "foreign", "partner"}
COORDINATORS = {"inside", "national", "administrator", "superuser", "outside", "foreign", "partner"}
LAWYERS = {"administrator", "lawyer", "foreign", "superuser"}
ADMINISTRATORS = {"administrator", "foreign", "superuser"}
CASE_WORKERS = (COORDINATORS | {"verifier", "lawyer"}) & INSIDE_STAFF
CALLERS = COORDINATORS - {"foreign"} | {"verifier", "lawyer"}
EXPORTERS = (COORDINATORS | LAWYERS | {"publisher"}) - {"verifier", "reader"}
EXPORTERS_HERE = COORDINATORS - {"foreign"} | {"lawyer", "publisher"}
ROOT = {"superuser"}

# By model: who may open the list; who sees the row in the territory of `inside`; who may write (rows that they see);
# whether rows can be added; whether rows can be deleted (None: the row of the test cannot).
MODEL_PERMISSIONS: dict[str, tuple[set[str], set[str], set[str], bool, bool | None]] = {
    "observer.Alert": (ADMINISTRATORS, ADMINISTRATORS & INSIDE_STAFF, set(), False, False),
    "observer.Assignment": (COORDINATORS, COORDINATORS & INSIDE_STAFF, COORDINATORS, True, True),
    "observer.Call": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "observer.Commission": (STAFF_WITH_GRANT, INSIDE_STAFF | {"partner"}, ADMINISTRATORS, True, False),
    "observer.Consent": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "observer.Contest": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, False),
    "observer.Device": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "observer.Election": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, False),
    "observer.EnrolmentCode": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "observer.Grant": (ADMINISTRATORS, ADMINISTRATORS & INSIDE_STAFF, ROOT, True, True),
    "observer.Level": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, True),
    "observer.Observer": (COORDINATORS, COORDINATORS & INSIDE_STAFF, COORDINATORS, True, False),
    "observer.Organisation": (STAFF_WITH_GRANT, INSIDE_STAFF, ROOT, True, True),
    "observer.RecoveryCode": (ROOT, ROOT, set(), False, False),
    "observer.SecondFactor": (ROOT, ROOT, set(), False, False),
    "observer.SignIn": (ROOT, ROOT, set(), False, False),
    "observer.Trail": (ADMINISTRATORS, ADMINISTRATORS & INSIDE_STAFF, set(), False, False),
    "observer.User": (ROOT, ROOT, ROOT, True, True),
    "observer.WrongGuess": (ROOT, ROOT, set(), False, False),
    "reports.Case": (STAFF_WITH_GRANT, INSIDE_STAFF, COORDINATORS | {"verifier", "lawyer"}, True, False),
    "reports.CaseComment": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.CaseConsent": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.CaseExport": (LAWYERS, LAWYERS & INSIDE_STAFF, set(), False, False),
    "reports.CaseFile": (COORDINATORS | {"verifier", "lawyer"}, CASE_WORKERS, set(), False, False),
    "reports.Check": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Complaint": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Checklist": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, False),
    "reports.ChecklistFile": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, set(), False, False),
    "reports.ChecklistVersion": (
        STAFF_WITH_GRANT,
        STAFF_WITH_GRANT - {"foreign"},
        ADMINISTRATORS,
        True,
        None,
    ),  # a published one stays
    "reports.Due": (ROOT, ROOT, set(), False, False),
    "reports.Evidence": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Export": (ADMINISTRATORS, ADMINISTRATORS & INSIDE_STAFF, set(), False, False),
    "reports.Import": (ROOT, ROOT, set(), False, False),
    "reports.KeyRotation": (ROOT, ROOT, set(), False, False),
    "reports.Message": (COORDINATORS, COORDINATORS & INSIDE_STAFF, COORDINATORS, True, False),
    "reports.MessageRead": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "reports.Note": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Question": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, set(), False, False),
    "reports.Refusal": (LAWYERS, LAWYERS & INSIDE_STAFF, set(), False, False),
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
    "reports.Reply": (STAFF_WITH_GRANT, INSIDE_STAFF, COORDINATORS | {"verifier", "lawyer"}, True, False),
    "reports.Report": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Section": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, set(), False, False),
    "reports.SetAside": (COORDINATORS, COORDINATORS & INSIDE_STAFF, set(), False, False),
    "reports.Summary": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.Unkept": (LAWYERS, LAWYERS & INSIDE_STAFF, set(), False, False),
    "reports.Violation": (STAFF_WITH_GRANT, INSIDE_STAFF, set(), False, False),
    "reports.ViolationGroup": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, False),
    "reports.ViolationType": (STAFF_WITH_GRANT, STAFF_WITH_GRANT - {"foreign"}, ADMINISTRATORS, True, False),
}
# Who may add rows, where it is not all who may write. An observer without an assignment is visible only to users of
# the whole election, so only they may add one. Elections and organisations belong to no territory.
ADDERS = {
    "observer.Observer": {"national", "administrator", "foreign", "superuser"},
    "observer.Election": ROOT,
}


def get_expected_status(client: str, label: str, name: str) -> int:
    """The status that `client` gets for a model's page.

    `name`: `changelist`, `add`, `change`, `delete`, `history`.
    """
    list_viewers, row_viewers, writers, can_add, can_delete = MODEL_PERMISSIONS[label]
    if client in STRANGERS:
        return LOGIN
    if name == "history":
        return 200 if client in row_viewers else 302
    if name == "changelist":
        return 200 if client in list_viewers else 403
    if name == "add":
        return 200 if can_add and client in ADDERS.get(label, writers) else 403
    if name == "change":
        return 200 if client in row_viewers else 302 if client in list_viewers else 403
    if can_delete is False or client not in writers:
        return 403
    return (200 if can_delete else 403) if client in row_viewers else 302


def answer_staff(allowed: set[str], no: int = 404) -> tuple[int, ...]:
    """200 for the allowed users, `no` for other staff.

    Others are redirected to the login.
    """
    return tuple(LOGIN if who in STRANGERS else 200 if who in allowed else no for who in CLIENTS)


def answer_post_only(allowed: set[str]) -> tuple[int, ...]:
    """405 for the allowed users, 404 for other staff.

    For an address that accepts only POST.
    """
    return tuple(LOGIN if who in STRANGERS else 405 if who in allowed else 404 for who in CLIENTS)


def answer_signed_in(code: int) -> tuple[int, ...]:
    return answer_staff(set(), code)


# Pages of a release that does not exist.
RELEASE_PAGES = (
    "",
    "statement.docx",
    "search/",
    "method/",
    "data/",
    "statement/",
    "KZ/",
    "KZ/share.png",
    "KZ/voting/V03/",
)
ANSWER_EVERYONE = (200,) * len(CLIENTS)
ADDRESS_ANSWERS = {
    "admin/": answer_signed_in(200),
    "admin/login/": (200, 200, *(302,) * (len(CLIENTS) - 2)),
    "admin/logout/": answer_signed_in(405),
    "admin/password_change/": answer_signed_in(200),
    "admin/password_change/done/": answer_signed_in(200),
    "admin/autocomplete/": answer_signed_in(403),  # what it finds: below
    "admin/jsi18n/": answer_signed_in(200),
    "admin/r/1/1/": answer_signed_in(404),
    "admin/observer/": answer_staff(STAFF_WITH_GRANT),
    "admin/anything": answer_signed_in(404),
    "admin/observer/user/{user}/password/": answer_staff(ROOT, 403),
    "admin/reports/evidence/{evidence}/picture/": answer_staff(INSIDE_STAFF),
    "admin/reports/evidence/{evidence}/thumbnail/": answer_staff(INSIDE_STAFF),
    "admin/reports/evidence/{evidence}/original/": answer_staff(LAWYERS & INSIDE_STAFF),
    "admin/reports/report/{report}/body/": answer_staff(LAWYERS & INSIDE_STAFF),
    "admin/reports/refusal/{refusal}/body/": answer_staff(LAWYERS & INSIDE_STAFF),
    "admin/reports/checklist/import/": answer_staff(ADMINISTRATORS, 403),
    "admin/reports/checklistversion/{version}/xlsx/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "admin/login/code/": (302,) * len(CLIENTS),
    "admin/login/second-factor/": tuple(302 if who in (*STRANGERS, "superuser") else 200 for who in CLIENTS),
    "desk/me/": answer_signed_in(200),
    "admin/reports/release/{release}/review/": answer_staff({"national", "administrator", "superuser"}),
    "desk/": answer_signed_in(302),
    "desk/language/": (405,) * len(CLIENTS),
    "desk/test-2022/observers/{observer}/person/": answer_staff((COORDINATORS | {"verifier", "lawyer"}) & INSIDE_STAFF),
    "desk/test-2022/staff/": answer_staff({"administrator", "superuser"}),
    "desk/test-2022/alerts/{alert}/": answer_post_only({"administrator", "superuser"}),
    "desk/test-2022/board/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "desk/test-2022/stations/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "desk/test-2022/stations/find/": answer_signed_in(404),  # without a code
    "desk/test-2022/stations/{station}/": answer_staff(INSIDE_STAFF | {"partner"}),
    "desk/test-2022/stations/{station}/call/{observer}/": answer_post_only(CALLERS),
    "desk/test-2022/stations/{station}/dictate/{observer}/": answer_staff((COORDINATORS | {"verifier"}) & INSIDE_STAFF),
    "desk/test-2022/stations/{station}/phone/{observer}/": answer_staff(COORDINATORS & INSIDE_STAFF),
    "desk/test-2022/assignments/{assignment}/replace/{observer}/": answer_staff(COORDINATORS & INSIDE_STAFF),
    "desk/test-2022/calls/": answer_staff(CALLERS),
    "desk/test-2022/calls/{call}/": answer_post_only(CALLERS),
    "desk/test-2022/imports/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/imports/{import}/": answer_staff({"superuser"}),  # only the user who uploaded it
    "desk/test-2022/imports/templates/observers/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/imports/templates/commissions/": answer_staff({"administrator", "superuser"}),
    "desk/test-2022/rehearsals/": answer_staff(COORDINATORS - {"foreign"} | {"verifier"}),
    "desk/test-2022/messages/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/messages/new/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/messages/{message}/": answer_staff(COORDINATORS & INSIDE_STAFF),
    "desk/test-2022/sheets/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/papers/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "desk/test-2022/papers/{version}/kk/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "desk/test-2022/checks/": answer_staff(COORDINATORS - {"foreign"} | {"verifier"}),
    "desk/new/": answer_staff(ADMINISTRATORS),
    "desk/test-2022/invite/": answer_staff({"national", "administrator", "superuser"}),
    "desk/test-2022/ready/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/ready/places/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/enrolled/": answer_staff(COORDINATORS - {"foreign"}),
    "desk/test-2022/reports/{report}/": answer_staff(INSIDE_STAFF),
    "desk/test-2022/observers/{observer}/quarantine/": answer_staff(COORDINATORS & INSIDE_STAFF),
    "desk/test-2022/cases/": answer_staff(STAFF_WITH_GRANT - {"foreign"}),
    "desk/test-2022/cases/new/": answer_staff(CALLERS),
    "desk/test-2022/cases/{case}/": answer_staff(INSIDE_STAFF),
    "desk/test-2022/cases/{case}/papers/{paper}/": answer_staff(CASE_WORKERS),
    "desk/test-2022/cases/{case}/exports/{export}/": answer_staff(LAWYERS & INSIDE_STAFF),
    "desk/test-2022/cases/{case}/complaints/{complaint}/": answer_staff(CASE_WORKERS),
    "desk/test-2022/cases/{case}/complaints/{complaint}/print/": answer_staff(CASE_WORKERS),
    "desk/test-2022/exports/": answer_staff(EXPORTERS_HERE),
    "desk/test-2022/exports/new/": answer_staff(EXPORTERS_HERE),
    "desk/test-2022/exports/{listed}/": answer_staff(ROOT),  # only the user who requested it
    "": (302,) * len(CLIENTS),
    "robots.txt": ANSWER_EVERYONE,
    "en/": ANSWER_EVERYONE,
    "en/test-2022/": ANSWER_EVERYONE,
    "en/test-2022/KZ/": ANSWER_EVERYONE,
    **{f"en/test-2022/{one}": ANSWER_EVERYONE for one in ("releases/", "method/", "KZ/share.png")},
    # The release of this world is a draft, so these pages do not exist for anybody.
    **{f"en/test-2022/{one}": (404,) * len(CLIENTS) for one in ("search/", "data/", "statement/")},
    **{f"en/test-2022/releases/1/{one}": (404,) * len(CLIENTS) for one in RELEASE_PAGES},
    "data/test-2022/1/x.csv": (404,) * len(CLIENTS),
    "en/closed-2022/KZ/": (404,) * len(CLIENTS),
    "en/test-2022/KZ/voting/V03/": ANSWER_EVERYONE,
    "data/test-2022/1/figures.csv": (404,) * len(CLIENTS),
    "photos/{approved}": ANSWER_EVERYONE,
    "photos/{withheld}": (404,) * len(CLIENTS),
    "healthz": ANSWER_EVERYONE,
    "readyz": ANSWER_EVERYONE,
    "metrics": (404,) * len(CLIENTS),  # without its token
    "static/css/baqylau.css": ANSWER_EVERYONE,
    "relay/": (302,) * len(CLIENTS),
    "relay/kk/": ANSWER_EVERYONE,
    "phone/": ANSWER_EVERYONE,
    "phone/manifest.webmanifest": ANSWER_EVERYONE,
    "phone/sw.js": ANSWER_EVERYONE,
    "phone/words/en.json": ANSWER_EVERYONE,
    "phone/files/nothing.js": (404,) * len(CLIENTS),
    "api/anything": (404,) * len(CLIENTS),
    # ODK Collect authenticates by a key of its own or by Basic; a phone's token and the desk's session do not count.
    "api/openrosa/": (401,) * len(CLIENTS),
    "api/openrosa/formList": (401,) * len(CLIENTS),
    "api/openrosa/submission": (405,) * len(CLIENTS),
    "api/openrosa/forms/voting/1.xml": (401,) * len(CLIENTS),
    "api/openrosa/forms/voting/1/manifest": (401,) * len(CLIENTS),
    "api/openrosa/forms/voting/1/files/x.csv": (401,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/": (403,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/formList": (403,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/submission": (405,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1.xml": (403,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/manifest": (403,) * len(CLIENTS),
    "api/openrosa/k/a-key-that-nobody-has/forms/voting/1/files/x.csv": (403,) * len(CLIENTS),
}
# Prefixes of addresses that have a table of their own, which contains each of them.
PREFIXES_WITH_OWN_TABLE = ("api/v1/", "api/schema/", "api/docs/")
