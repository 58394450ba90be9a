"""Two releases of the demonstration: on election night, and when all reports had arrived."""

from datetime import UTC, datetime, timedelta

from observer.models import Election, User
from reports.services.publishing.releases import approve_release, describe_release, prepare_release, publish_release

HEADLINE_FINDING = "voting:V22"
RELEASES = (
    (
        datetime(2022, 11, 20, 20, tzinfo=UTC),
        {
            "kk": "Бірінші шығарылым: ашылу мен дауыс беру, санаудың басы.",
            "ru": "Первый выпуск: открытие и голосование, начало подсчёта.",
            "en": "The first release: opening and voting, and the beginning of the count.",
        },
    ),
    (
        datetime(2022, 11, 22, 12, tzinfo=UTC),
        {
            "kk": "Санау мен қорытындылау түгел, кешігіп келген есептер де бар.",
            "ru": "Подсчёт и подведение итогов полностью, вместе с опоздавшими отчётами.",
            "en": "Counting and tabulation are in, with the reports that came late.",
        },
    ),
)
REMARKS = {
    "voting": {
        "kk": "Көрсетілім: талдаушы есептердегі түсініктемелерден осында бірер сөйлем жазады.",
        "ru": "Демонстрация: здесь аналитик пишет несколько предложений по замечаниям из отчётов.",
        "en": "Demonstration: here the analyst writes a few sentences from the comments in the reports.",
    }
}


def publish_releases(*, election: Election, user: User) -> None:
    """Prepares, approves and publishes both releases, each step by another user as in a real election."""
    analyst, second = (_get_user(name) for name in ("demo-analyst", "demo-second"))
    for cutoff, texts in RELEASES:
        now = cutoff + timedelta(minutes=72)
        release = prepare_release(election=election, cutoff=cutoff, user=analyst, now=now)
        describe_release(
            release=release,
            texts=texts,
            remarks=REMARKS,
            finding=HEADLINE_FINDING,
            public_from=None,
            user=analyst,
            now=now,
        )
        approve_release(release=release, user=second, now=now)
        publish_release(release=release, user=user, now=now)


def _get_user(name: str) -> User:
    """Gets or creates a user without a password, as whom nobody can sign in."""
    user, is_new = User.objects.get_or_create(username=name, defaults={"is_staff": False})
    if is_new:
        user.set_unusable_password()
        user.save()
    return user
