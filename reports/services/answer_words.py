"""The words of the answers that every checklist shares, in the reader's language."""

from django.utils.translation import gettext_lazy

ANSWERS = {
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "not_observed": gettext_lazy("not observed"),
    "not_applicable": gettext_lazy("not applicable"),
    "very_good": gettext_lazy("very good"),
    "good": gettext_lazy("good"),
    "bad": gettext_lazy("bad"),
    "very_bad": gettext_lazy("very bad"),
}
