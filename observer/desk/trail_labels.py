"""Labels of the trail's action codes in the reader's language.

The codes are what is stored and exported.
"""

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ACTION_LABELS: dict[str, str | Promise] = {
    "alert.close": gettext_lazy("Alert noted"),
    "alert.sights": gettext_lazy("Alert: many names seen"),
    "assignment.create": gettext_lazy("Sent an observer"),
    "assignment.replace": gettext_lazy("Replaced an observer"),
    "assignments.import": gettext_lazy("Imported assignments"),
    "backup.write": gettext_lazy("Wrote a backup"),
    "case.comment": gettext_lazy("Commented on the case"),
    "case.consent": gettext_lazy("Noted whether the observer may be named"),
    "case.escalate": gettext_lazy("Handed to the lawyers, or took back"),
    "case.export": gettext_lazy("Asked for the case as a file"),
    "case.exported": gettext_lazy("The file of the case was written"),
    "case.hold": gettext_lazy("Held against purging, or no longer"),
    "case.join": gettext_lazy("Joined a violation to the case"),
    "case.open": gettext_lazy("Opened the case"),
    "case.paper": gettext_lazy("Put a paper into the case"),
    "case.step": gettext_lazy("Took the next step of the case"),
    "case.take": gettext_lazy("Gave the case to somebody"),
    "checklist.publish": gettext_lazy("Published a checklist"),
    "commission.create": gettext_lazy("Added a commission"),
    "commission.delete": gettext_lazy("Deleted a commission"),
    "commission.move": gettext_lazy("Moved a commission"),
    "commissions.import": gettext_lazy("Imported commissions"),
    "complaint.answer": gettext_lazy("Noted the answer to a complaint"),
    "complaint.file": gettext_lazy("Noted that a complaint was filed"),
    "complaint.open": gettext_lazy("Began a complaint"),
    "complaint.write": gettext_lazy("Wrote a complaint"),
    "device.create": gettext_lazy("Made settings for a phone"),
    "device.revoke": gettext_lazy("Revoked a phone"),
    "election.create": gettext_lazy("Made an election"),
    "election.key": gettext_lazy("Made the key for files brought by hand"),
    "election.publish": gettext_lazy("Decided what is public"),
    "election.purge": gettext_lazy("Made personal data unreadable"),
    "enrolment.create": gettext_lazy("Made an enrolment code"),
    "enrolment.print": gettext_lazy("Printed an enrolment sheet"),
    "evidence.approve": gettext_lazy("Let the public see a photo"),
    "evidence.original": gettext_lazy("Downloaded a sealed file"),
    "evidence.withdraw": gettext_lazy("Withdrew a photo from the public"),
    "export.ask": gettext_lazy("Asked for a list as a file"),
    "export.fetch": gettext_lazy("Downloaded a list"),
    "export.write": gettext_lazy("A list was written as a file"),
    "grant.give": gettext_lazy("Gave a role"),
    "grant.take": gettext_lazy("Took a role away"),
    "import.upload": gettext_lazy("Uploaded a list"),
    "message.send": gettext_lazy("Sent a message"),
    "observer.call": gettext_lazy("Called an observer"),
    "observer.called": gettext_lazy("Noted what came of a call"),
    "observer.consent": gettext_lazy("Accepted the code of conduct"),
    "observer.list": gettext_lazy("Made a list with names"),
    "observer.named": gettext_lazy("Named an observer in a paper"),
    "observer.quarantine": gettext_lazy("Set everything by an observer aside"),
    "observer.restore": gettext_lazy("Brought everything by an observer back"),
    "observer.see": gettext_lazy("Saw a name and phone"),
    "observers.import": gettext_lazy("Imported observers"),
    "observers.invite": gettext_lazy("Asked observers of an earlier election anew"),
    "refusal.body": gettext_lazy("Read a refused body"),
    "relay.accept": gettext_lazy("Took in a file brought by hand"),
    "release.approve": gettext_lazy("Agreed to a release"),
    "release.describe": gettext_lazy("Described a release"),
    "release.discard": gettext_lazy("Discarded a release"),
    "release.prepare": gettext_lazy("Prepared a release"),
    "release.publish": gettext_lazy("Published a release"),
    "report.body": gettext_lazy("Read a report as received"),
    "report.dictate": gettext_lazy("Typed a dictated report"),
    "report.hold": gettext_lazy("Held a report"),
    "report.rehearsal": gettext_lazy("Said whether a report is a rehearsal"),
    "report.reject": gettext_lazy("Rejected a report"),
    "report.restore": gettext_lazy("Restored a report"),
    "report.verify": gettext_lazy("Verified a report"),
    "reports.accept": gettext_lazy("Accepted reports in bulk"),
    "user.password": gettext_lazy("Gave a new password"),
    "user.recovery_code": gettext_lazy("Signed in with a recovery code"),
    "user.recovery_codes": gettext_lazy("Made new recovery codes"),
    "user.reset_second_factor": gettext_lazy("Reset the second step"),
    "user.second_factor": gettext_lazy("Set up the second step"),
    "user.sign_in": gettext_lazy("Signed in to the desk"),
    "user.sign_out": gettext_lazy("Signed out of the desk"),
    "violation.decide": gettext_lazy("Decided a violation"),
}


def get_action_label(action: str) -> str:
    """The label of an action code.

    Codes like `observer.change`, which plain forms write, are described by the model's name. An unknown code is
    returned unchanged.
    """
    if action in ACTION_LABELS:
        return str(ACTION_LABELS[action])
    noun, _dot, verb = action.partition(".")
    verbs = {"add": _("added"), "change": _("changed"), "delete": _("deleted")}
    for model in apps.get_models():
        if verb in verbs and model._meta.model_name == noun:
            return f"{model._meta.verbose_name}: {verbs[verb]}"
    return action


def search_actions(text: str) -> list[str]:
    """The action codes whose labels contain the text."""
    wanted = text.strip().casefold()
    return [code for code, label in ACTION_LABELS.items() if wanted and wanted in str(label).casefold()]
