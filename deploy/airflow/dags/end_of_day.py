"""The end of the bank's day: what was posted until midnight is backed up, summarised and exported.

Nothing is archived or deleted before the backup, the summaries and the lake have it.
"""

from airflow.sdk import DAG
from bank_jobs import SETTINGS, BankJobOperator, at

with DAG("end_of_day", schedule=at("30 0 * * *"), doc_md=__doc__, **SETTINGS):
    kept = [
        BankJobOperator(task_id=job, job=job) for job in ("backup", "summarise_days", "export_lake")
    ]
    archive = BankJobOperator(task_id="archive_transactions", job="archive_transactions")
    delete = BankJobOperator(task_id="delete_expired", job="delete_expired")
    kept >> archive >> delete
