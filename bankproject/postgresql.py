"""The connection to PostgreSQL: what DATABASE_URL leaves open, and settings of their own."""

from typing import Any

import environ

from bankproject import environment

# Not "repeatable read": an old snapshot misses a key that another request has just used.
_ISOLATION_LEVELS = {"read committed": 2, "serializable": 4}
# libpq's own defaults wait for minutes where a machine or its network is gone. A peer that does not
# answer counts as lost after about twelve seconds.
_LIBPQ: dict[str, Any] = {
    "connect_timeout": 5,  # seconds, for each host
    "keepalives_idle": 3,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,  # milliseconds
}
# Of several hosts one is the primary: docs/high-availability.md. The others answer at once that
# they are not, so a host that does not answer is passed over sooner.
_SEVERAL_HOSTS: dict[str, Any] = {"target_session_attrs": "read-write", "connect_timeout": 2}
# The primary serves instead, so nobody waits for a replica. 2 s is the least that libpq takes.
_REPLICA: dict[str, Any] = {"connect_timeout": 2}
_SEVERAL_REPLICAS: dict[str, Any] = {"target_session_attrs": "prefer-standby"}
# "repeatable read": all statements of a database transaction see one moment. A standby cannot be
# "serializable".
_OF_REPLICA = 3


def read(url: str) -> dict[str, Any]:
    """Django's settings of this database; empty without a URL. Its own options win over ours.

    Raises ImproperlyConfigured for a wrong variable, also where there is no URL.
    """
    isolation = environment.choice(
        "BANK_ISOLATION_LEVEL", _ISOLATION_LEVELS, default="read committed"
    )
    prepares = environment.boolean("BANK_PREPARED_STATEMENTS", default=True)
    max_age = environment.integer("BANK_CONNECTION_MAX_AGE_SECONDS", default=60)
    if not url:
        return {}
    database: dict[str, Any] = environ.Env.db_url_config(url)
    several = _SEVERAL_HOSTS if has_several_hosts(database) else {}
    database["OPTIONS"] = {
        **_LIBPQ,
        **several,
        **database.get("OPTIONS", {}),
        "application_name": "bank",
        # The statements of core.sql are prepared at once, which not every pooler supports.
        "prepare_threshold": 0 if prepares else None,
        "isolation_level": _ISOLATION_LEVELS[isolation],
    }
    database["CONN_MAX_AGE"] = max_age
    database["CONN_HEALTH_CHECKS"] = True
    return database


def read_replica(url: str, primary: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of the replica of a bank with these settings of the primary."""
    database: dict[str, Any] = environ.Env.db_url_config(url)
    several = _SEVERAL_REPLICAS if has_several_hosts(database) else {}
    ours = {name: primary["OPTIONS"][name] for name in ("application_name", "prepare_threshold")}
    given = database.get("OPTIONS", {})
    database["OPTIONS"] = {**_LIBPQ, **_REPLICA, **several, **given, **ours}
    database["OPTIONS"]["isolation_level"] = _OF_REPLICA
    kept = ("CONN_MAX_AGE", "CONN_HEALTH_CHECKS")
    return {**database, **{name: primary[name] for name in kept}, "TEST": {"MIRROR": "default"}}


def has_several_hosts(database: dict[str, Any]) -> bool:
    """Whether the URL names several servers."""
    return "," in str(database.get("HOST", ""))
