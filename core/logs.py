"""Logs: one JSON object per line on standard error, for our code and all libraries."""

import logging.config
from typing import Any

import structlog

# Run on every line, ours or a library's.
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.StackInfoRenderer(),
]


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: JSON lines, or text for a terminal, from a level upwards."""
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
