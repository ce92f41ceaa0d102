"""Transactions whose failure is temporary are retried once, in the morning."""

from airflow.sdk import DAG
from bank_jobs import SETTINGS, BankJobOperator, at

with DAG("retry_failed", schedule=at("0 7 * * *"), doc_md=__doc__, **SETTINGS):
    BankJobOperator(task_id="retry_failed", job="retry_failed")
