"""Runs DAGs by `dag.test()`, in Airflow's own Python: one process, because a start takes seconds.

Reads a line of JSON for each run, and answers with one. The first answer, before any run, is what
Airflow found in the folder of DAGs. All else that is printed goes to standard error.
"""

import json
import os
import sys
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
from airflow.configuration import conf
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.serialization.encoders import coerce_to_core_timetable

_NOON = pendulum.datetime(2026, 3, 1, 12)
# Ours are not in a package, and nothing of the bank may be within reach.
_BANK = {"django", "core", "accounts", "transactions", "jobs", "bankproject"}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    folder = conf.get("core", "dags_folder")
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    found = {
        "errors": bag.import_errors,
        "dags": {name: _described(dag) for name, dag in bag.dags.items()},
        "bank": sorted(_BANK & set(sys.modules)),
    }
    print(json.dumps(found), file=answers)
    for line in sys.stdin:
        print(json.dumps(_run(bag.dags, json.loads(line))), file=answers)


def _run(dags: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """`connection` is a JSON of Airflow; `outage` is in seconds."""
    os.environ["AIRFLOW_CONN_BANK"] = wanted["connection"]
    dag = dags[wanted["dag"]]
    for task in dag.tasks:
        task.retries = 0
        task.poll_seconds = 0.2
        task.outage = timedelta(seconds=wanted["outage"])
    at = wanted["at"] and pendulum.instance(datetime.fromisoformat(wanted["at"]))
    run = dag.test(logical_date=at or None)
    tasks = {one.task_id: one.state for one in run.get_task_instances()}
    return {"state": run.state, "tasks": tasks}


def _day_of_scheduled_run(dag: Any) -> str:
    """The day for which the last scheduled run before NOON asks; `dag.test` runs are by hand."""
    timetable = coerce_to_core_timetable(dag.timetable)
    interval = timetable.infer_manual_data_interval(run_after=_NOON)
    run = SimpleNamespace(
        run_type="scheduled",
        logical_date=interval.start,
        data_interval_end=interval.end,
        run_after=_NOON,
    )
    return str(sys.modules["bank_jobs"]._business_date(run))


def _described(dag: Any) -> dict[str, Any]:
    return {
        "day": _day_of_scheduled_run(dag),
        "cron": dag.timetable.expression,
        "zone": str(dag.timetable.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "timeout_hours": dag.dagrun_timeout.total_seconds() / 3600,
        "documented": bool(dag.doc_md),
        "tasks": {
            task.task_id: {
                "after": sorted(task.upstream_task_ids),
                "job": task.job,
                "retries": task.retries,
                "timeout_hours": task.execution_timeout.total_seconds() / 3600,
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    main()
