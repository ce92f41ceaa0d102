"""The form of the page Analytics: the parameters of one query."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Account
from accounts.states import AccountKind
from analytics.catalog import NamedQuery
from analytics.parameters import Parameter, Takes, WrongParameter, business_day, parse


class QueryForm(forms.Form):
    """Each parameter is a field, filled with its default where nothing is asked for.

    A form whose required parameters nobody has filled in yet has no errors.
    """

    def __init__(self, query: NamedQuery, data: QueryDict) -> None:
        today = business_day()
        filled = {}
        for each in query.parameters:
            text = data.get(each.name, "").strip()
            if not text and each.default is not None:
                text = str(each.default(today))
            filled[each.name] = text
        self._query, self._filled = query, filled
        is_asked = self.is_complete() or any(data.get(name, "").strip() for name in filled)
        super().__init__(filled if is_asked else None, initial=filled)
        for each in query.parameters:
            self.fields[each.name] = _field(each)

    def is_complete(self) -> bool:
        """Whether each required parameter is given, so that there is something to answer."""
        return all(each.default or self._filled[each.name] for each in self._query.parameters)

    def asked(self) -> dict[str, str]:
        """The query and its parameters, as a link has them."""
        return {"query": self._query.name, **self._filled}

    def given(self) -> dict[str, str]:
        return dict(self._filled)

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                self._query.values(self._filled)
            except WrongParameter as problem:
                raise ValidationError(str(problem)) from problem
        return self.cleaned_data


def _field(parameter: Parameter) -> forms.Field:
    if parameter.kind is Takes.CURRENCY:
        internal = Account.objects.filter(kind=AccountKind.INTERNAL)
        found = sorted(set(internal.values_list("currency", flat=True)))
        return forms.ChoiceField(
            label=parameter.title,
            required=False,
            choices=[("", "All currencies"), *((one, one) for one in found)],
            widget=UnfoldAdminSelectWidget,
        )
    kind = {Takes.DAY: "date", Takes.TOP: "number"}.get(parameter.kind, "text")
    widget = UnfoldAdminTextInputWidget(attrs={"type": kind})

    def check(text: str) -> None:
        try:
            parse(parameter, text)
        except WrongParameter as problem:
            raise ValidationError(str(problem).partition(": ")[2]) from problem

    return forms.CharField(label=parameter.title, widget=widget, validators=[check], max_length=40)
