"""Routes of jobs."""

from django.urls import path

from jobs.views import JobViewSet

urlpatterns = [
    path("jobs/", JobViewSet.as_view({"get": "list"}), name="jobs"),
    path("jobs/<str:job>/runs/", JobViewSet.as_view({"get": "runs"}), name="job-runs"),
    path(
        "jobs/<str:job>/runs/<id:run_id>/",
        JobViewSet.as_view({"get": "retrieve"}),
        name="job-run",
    ),
    path("jobs/<str:job>/run/", JobViewSet.as_view({"post": "run"}), name="run-job"),
]
