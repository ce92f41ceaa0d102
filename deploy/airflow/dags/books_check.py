"""Before the bank opens every rule of the books is checked. Books without a finding are sealed."""

from airflow.sdk import DAG
from bank_jobs import SETTINGS, BankJobOperator, at

with DAG("books_check", schedule=at("0 5 * * *"), doc_md=__doc__, **SETTINGS):
    verify = BankJobOperator(task_id="verify_ledger", job="verify_ledger")
    seal = BankJobOperator(task_id="seal_ledger", job="seal_ledger")
    verify >> seal
