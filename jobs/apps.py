from django.apps import AppConfig

from jobs.guards import GUARDS


class JobsConfig(AppConfig):
    name = "jobs"
    database_objects = GUARDS
