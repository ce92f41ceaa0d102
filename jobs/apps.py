from django.apps import AppConfig

from jobs.guards import GUARDS


class JobsConfig(AppConfig):
    name = "jobs"
    database_objects = GUARDS

    def ready(self) -> None:
        from core import background
        from jobs.scheduler import JobScheduler

        background.register(JobScheduler)
