"""What the phone asks of an election: who answers its emergency call, and a key pair for files brought by hand."""

from django.db import migrations, models

import observer.models.fields
import observer.words


class Migration(migrations.Migration):
    dependencies = [("observer", "0002_prefix_index")]

    operations = [
        migrations.AddField(
            model_name="election",
            name="emergency_names",
            field=models.JSONField(blank=True, default=dict, help_text="who answers there, by language"),
        ),
        migrations.AlterField(
            model_name="election",
            name="emergency_contact",
            field=models.CharField(blank=True, help_text="the number that a phone calls", max_length=40),
        ),
        migrations.AddField(
            model_name="election",
            name="relay_secret",
            field=observer.models.fields.EncryptedTextField(blank=True, editable=False, help_text="what opens them"),
        ),
        migrations.AlterField(
            model_name="election",
            name="relay_key",
            field=models.TextField(
                blank=True, help_text="for files brought by hand: the recipient they are encrypted for"
            ),
        ),
        migrations.AlterField(
            model_name="election",
            name="mirrors",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='other addresses of this platform, without a path: ["https://mirror.example"]',
                validators=[observer.words.origins_valid],
            ),
        ),
    ]
