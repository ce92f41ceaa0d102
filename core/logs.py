"""Logs: one JSON object per line on standard error, for our code and all libraries."""

import logging.config
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from core.api.request_id import current_request_id, current_trace_id
from core.json_bytes import encoder


def _add_request_id(_logger: object, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    if request_id := current_request_id.get():
        line["request_id"] = request_id
        line["trace_id"] = current_trace_id.get()
    return line


# Run on every line, ours or a library's.
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    _add_request_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
]


_json_bytes = encoder(default=repr)


def write_line(logger: logging.Logger, level: int, event: str, **members: Any) -> None:
    """Logs a line that is complete, without the processors: a quarter of their price.

    Its members are those of any other line. For lines that are written with each request.
    """
    if not logger.isEnabledFor(level):
        return
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = _add_request_id(logger, event, {**members, "event": event})
    line |= {"level": logging.getLevelName(level).lower(), "logger": logger.name, "at": at}
    # Without the place of the call, which no line tells.
    logger.handle(logger.makeRecord(logger.name, level, "", 0, line, (), None))


class _Lines(structlog.stdlib.ProcessorFormatter):
    """Renders a line of `write_line` as it is, and any other through the processors."""

    def __init__(self, render: Callable[..., str], **options: Any) -> None:
        super().__init__(**options)
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        line: Any = record.msg
        if isinstance(line, dict) and not hasattr(record, "_logger"):
            return self._render(None, record.levelname, line.copy())
        return super().format(record)


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: JSON lines, or text for a terminal, from a level upwards."""
    if config["as_json"]:
        renderer: Any = structlog.processors.JSONRenderer(
            serializer=lambda line, **_: _json_bytes(line).decode()
        )
        renderers = [structlog.processors.format_exc_info, renderer]
    else:
        renderer = structlog.dev.ConsoleRenderer()
        renderers = [renderer]
    # No line has them, and looking them up costs time. gunicorn's own lines have the process.
    logging.logThreads = logging.logMultiprocessing = False
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "lines": {
                    "()": _Lines,
                    "render": renderer,
                    "foreign_pre_chain": _SHARED,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *renderers,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["stderr"], "level": config["level"]},
            "loggers": {
                # Our own line for each request reports it, with user and duration.
                "django.request": {"level": "CRITICAL"},
                # Likewise. These lines about bad hosts, sizes and tokens have paths, and tracebacks
                # that anyone could use to fill the disk.
                "django.security": {"level": "CRITICAL"},
                # At DEBUG it logs the tokens that it issues.
                "oauthlib": {"level": "WARNING"},
                "django.server": {"handlers": ["stderr"], "propagate": False},
            },
        }
    )
