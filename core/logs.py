"""Logs: one JSON object a line on standard error, ours and the libraries' alike."""

import logging.config
from typing import Any

import structlog

# Run on every line, whoever wrote it.
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
]


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: lines of JSON, or for people at a terminal, from a level upwards."""
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if config["as_json"]
        else [structlog.dev.ConsoleRenderer()]
    )
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
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": _SHARED,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *renderer,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
            "root": {"handlers": ["stderr"], "level": config["level"]},
            "loggers": {
                # Told by our own line for each request, with who and how long.
                "django.request": {"level": "CRITICAL"},
                # So are hosts, sizes and tokens that are not right: with paths, and with tracebacks
                # that anyone could fill a disk with.
                "django.security": {"level": "CRITICAL"},
                # At DEBUG it tells the tokens that it gives out.
                "oauthlib": {"level": "WARNING"},
                "django.server": {"handlers": ["stderr"], "propagate": False},
            },
        }
    )
