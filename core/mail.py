"""Mail by the server of EMAIL_URL: one connection for several mails, and two kinds of failure."""

import smtplib
import ssl
from typing import Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from core.files import reason_of


class MailFailed(Exception):
    """A mail that did not go out. The sentence names no person and no address of one."""


class MailRefused(MailFailed):
    """The server works, but does not take this mail."""


class MailServerFailed(MailFailed):
    """The server cannot be reached, or takes no mail at all."""


class MailUncertain(MailServerFailed):
    """The connection failed while the server took the mail, which may have gone out."""


class Mailer:
    """A connection to the mail server, opened by the first mail and closed with the block."""

    def __init__(self) -> None:
        self._connection: Any = get_connection(fail_silently=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, *, to: str, subject: str, text: str) -> None:
        """Returns when the server has taken the mail. Raises MailRefused and MailServerFailed."""
        message = EmailMessage(subject, text, to=[to], connection=self._connection)
        self._open()
        try:
            self._connection.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise MailRefused(_answered(*sorted(codes))) from error
        except smtplib.SMTPResponseException as error:
            self._close()  # The server may have hung up; the next mail connects again.
            raise MailRefused(_answered(error.smtp_code)) from error
        except OSError as error:  # Every other SMTPException is one too.
            self._close()
            raise MailUncertain(_failed(error)) from error
        except ValueError as error:
            raise MailRefused("The address cannot be written in a mail.") from error

    def _open(self) -> None:
        try:
            self._connection.open()
            # The first words here, and not with the mail: if they fail, no mail has gone out.
            self._connection.connection.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            self._close()
            raise MailServerFailed(_answered(error.smtp_code)) from error
        except OSError as error:
            self._close()
            raise MailServerFailed(_failed(error)) from error

    def _close(self) -> None:
        try:
            self._connection.close()
        except (OSError, smtplib.SMTPException):
            self._connection.connection = None


def _answered(*codes: int) -> str:
    """The answer's code alone: its text may repeat the address."""
    return f"{_server()} answered {', '.join(map(str, codes))}."


def _failed(error: OSError) -> str:
    # The number of a TLS error is none of the operating system.
    reason = str(error) if isinstance(error, ssl.SSLError) else reason_of(error)
    return f"{_server()} does not answer: {(reason or type(error).__name__).rstrip('.')}."


def _server() -> str:
    return f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
