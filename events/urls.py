"""The route of the feed."""

from django.urls import path

from events.views import EventsView

urlpatterns = [path("events/", EventsView.as_view(), name="events")]
