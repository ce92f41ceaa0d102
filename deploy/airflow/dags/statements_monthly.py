"""The statements of the month that has ended, and of earlier months that have none yet."""

from airflow.sdk import DAG
from bank_jobs import SETTINGS, BankJobOperator, at

with DAG("statements_monthly", schedule=at("0 3 1 * *"), doc_md=__doc__, **SETTINGS):
    BankJobOperator(task_id="issue_statements", job="issue_statements")
