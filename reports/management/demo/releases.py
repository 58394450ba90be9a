"""Two releases of the demonstration: on election night, and when everything was in."""

from datetime import UTC, datetime, timedelta

from observer.models import Election, User
from reports.services.publishing.releases import release_approve, release_describe, release_prepare, release_publish

FINDING = "voting:V22"
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


def releases_publish(*, election: Election, user: User) -> None:
    """Prepared by one, agreed to by another, published by a third, as everywhere."""
    analyst, second = (_person(name) for name in ("demo-analyst", "demo-second"))
    for cutoff, texts in RELEASES:
        now = cutoff + timedelta(minutes=72)
        made = release_prepare(election=election, cutoff=cutoff, user=analyst, now=now)
        release_describe(
            release=made, texts=texts, remarks=REMARKS, finding=FINDING, public_from=None, user=analyst, now=now
        )
        release_approve(release=made, user=second, now=now)
        release_publish(release=made, user=user, now=now)


def _person(name: str) -> User:
    """Without a password: nobody signs in as them."""
    person, made = User.objects.get_or_create(username=name, defaults={"is_staff": False})
    if made:
        person.set_unusable_password()
        person.save()
    return person
