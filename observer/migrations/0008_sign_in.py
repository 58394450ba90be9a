"""Second factors, sign-ins and wrong guesses; the trail says whence, and about which election."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import observer.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("observer", "0007_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "digest",
                    models.CharField(editable=False, help_text="SHA-256 of 80 random bits and the user", max_length=64),
                ),
                ("used_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SecondFactor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", observer.models.fields.EncryptedTextField(editable=False)),
                ("since", models.DateTimeField()),
                (
                    "last_step",
                    models.BigIntegerField(
                        default=0, editable=False, help_text="of the last code taken: each works once"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="to about five minutes")),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                ("browser", models.CharField(blank=True, max_length=200)),
                ("by_second_factor", models.BooleanField(default=False)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.CreateModel(
            name="WrongGuess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="what was tried, whose, from where: hashed", max_length=100)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "wrong guesses",
            },
        ),
        migrations.AddField(
            model_name="trail",
            name="address",
            field=models.GenericIPAddressField(blank=True, help_text="whence", null=True),
        ),
        migrations.AddField(
            model_name="trail",
            name="election",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="observer.election",
            ),
        ),
        migrations.AddIndex(
            model_name="trail",
            index=models.Index(fields=["election", "-at"], name="trail_of_election"),
        ),
        migrations.AddIndex(
            model_name="trail",
            index=models.Index(fields=["user", "action", "at"], name="trail_of_user"),
        ),
        migrations.AddField(
            model_name="recoverycode",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="recovery_codes", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="secondfactor",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="second_factor", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="signin",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sign_ins", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="wrongguess",
            index=models.Index(fields=["key", "at"], name="wrong_guess_key"),
        ),
        migrations.AddConstraint(
            model_name="recoverycode",
            constraint=models.UniqueConstraint(fields=("user", "digest"), name="recovery_code_once"),
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(fields=["user", "-at"], name="sign_in_of_user"),
        ),
    ]
