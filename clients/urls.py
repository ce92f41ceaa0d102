"""OAuth2 routes: the three that client credentials need, and no others."""

from django.urls import path

from clients.views import IntrospectTokenView, RevokeTokenView, TokenView

urlpatterns = [
    path("token/", TokenView.as_view(), name="oauth-token"),
    path("revoke/", RevokeTokenView.as_view(), name="oauth-revoke"),
    path("introspect/", IntrospectTokenView.as_view(), name="oauth-introspect"),
]
