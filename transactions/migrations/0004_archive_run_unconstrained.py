import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0003_archive_segments'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transaction',
            name='archive_run',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='transactions.archiverun'),
        ),
    ]
