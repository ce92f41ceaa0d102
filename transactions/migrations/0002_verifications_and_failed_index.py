from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("transactions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("is_sound", models.BooleanField(help_text="Every rule held.")),
                (
                    "checked",
                    models.JSONField(
                        default=dict, help_text="How many rows were checked, by kind."
                    ),
                ),
                (
                    "findings",
                    models.JSONField(
                        default=dict, help_text="Places by the code of the broken rule."
                    ),
                ),
            ],
            options={"ordering": ("-id",), "default_permissions": ("view",)},
        ),
        migrations.AlterModelOptions(
            name="transactionevent",
            options={
                "default_permissions": ("view",),
                "ordering": ("-id",),
                "permissions": (("read_audit", "Can read what all staff did, and their logins"),),
            },
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                condition=models.Q(("status", "FAILED")), fields=["id"], name="transaction_failed"
            ),
        ),
    ]
