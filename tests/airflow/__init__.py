"""The DAGs of deploy/airflow in a real Airflow: `make test-airflow`. No part of `make test`."""
