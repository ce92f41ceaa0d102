"""Dockerfile, compose file and proxy are as they should be, and name only existing things."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from bankproject import environment, gunicorn_conf
from tests import image
from tests.image import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
DIGEST = r"@sha256:[0-9a-f]{64}"
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")
# The image sets these, or they belong to a bank without containers.
NOT_IN_COMPOSE = {
    # The image has no pg_dump: docs/operations.md says how to back a bank in containers up.
    "BANK_BACKUP_DIR",
    "BANK_BACKUP_KEEP",
    "BANK_FAILPOINTS",
    "BANK_FAILPOINT_FUSES",
    "BANK_DATA_DIR",
    "BANK_LAKE_DIR",
    "BANK_REPLICA_URL",
    "PRESTO_URL",
    "BANK_SEAL_KEY",
    "BANK_SERVE_WORKER",
    "BANK_SQLITE_WAL",
    "DATABASE_URL",
    "DJANGO_DEBUG",
    "DJANGO_SECRET_KEY",
    "DJANGO_SECRET_KEY_FILE",
}


def _dotenv_names():
    text = (ROOT / ".env.example").read_text("utf-8")
    return set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", text, re.MULTILINE))


def _settings_names():
    """Every variable that a setting reads."""
    return set(environment.names_read)


def _run(*command, **variables):
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False
    )


def test_base_images_are_pinned_by_digest():
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.search(
        rf"^ARG PYTHON_IMAGE=python:3\.13\.\d+-slim-bookworm{DIGEST}$", dockerfile, re.MULTILINE
    )
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2
    node = (ROOT / "deploy/ha/Dockerfile").read_text("utf-8")
    assert re.search(rf"^FROM {re.escape(SERVICES['db']['image'])}$", node, re.MULTILINE)
    for name in ("db", "proxy"):
        assert re.search(rf":[\w.-]+{DIGEST}$", SERVICES[name]["image"]), name


def test_image_runs_as_nobody_else_and_serves_as_make_does():
    assert image.last("USER").rest == "10001:10001"
    assert image.last("CMD").words() == ["python", "manage.py", "serve"]
    assert image.environment()["PORT"] == "5000"
    assert image.environment()["HOST"] == "0.0.0.0"  # noqa: S104
    after_user = image.stages()[-1]
    after_user = after_user[after_user.index(image.last("USER")) :]
    assert "RUN" not in {item.keyword for item in after_user}
    assert "--no-control-socket" in (ROOT / "bankproject/management/commands/serve.py").read_text()
    assert gunicorn_conf.control_socket_disable is True


def test_context_has_every_app_and_nothing_else(tmp_path):
    image.copy_context(tmp_path)
    local = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    local = {app for app in local if (ROOT / app).is_dir()}
    assert {path.name for path in tmp_path.iterdir()} == local | {
        "deploy",
        "docs",
        "legacy_import",
        "manage.py",
        "requirements.txt",
        "constraints.txt",
    }
    # The console's help is this page.
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["console.md"]
    paths = [path.relative_to(tmp_path) for path in tmp_path.rglob("*")]
    assert not [path for path in paths if {"tests", "__pycache__"} & set(path.parts)]
    secrets = re.compile(r"(^\.env|secret_key$|\.(sqlite3|pem|key|dump)$)")
    assert not [path for path in paths if secrets.search(path.name)]


def test_compile_step_names_every_package(tmp_path):
    image.copy_context(tmp_path)
    packages = {path.name for path in tmp_path.iterdir() if path.is_dir()} - {"docs"}
    (step,) = (item for item in image.stages()[-1] if "compileall" in item.rest)
    assert set(step.rest.partition(" -q ")[2].split()) == packages


def test_files_that_compose_mounts_exist_and_are_read_only():
    bound = [
        volume
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    assert len(bound) == 8
    for volume in bound:
        source, _target, mode = volume.split(":")
        assert (ROOT / source).exists(), source
        assert mode == "ro"
    named = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    assert named == set(COMPOSE["volumes"])
    assert os.access(ROOT / "deploy/postgresql/init.sh", os.X_OK)


def test_services_start_in_order():
    needs = {
        name: {needed: rule["condition"] for needed, rule in service.get("depends_on", {}).items()}
        for name, service in SERVICES.items()
    }
    assert needs == {
        "secrets": {},
        "db": {"secrets": "service_completed_successfully"},
        "migrate": {"db": "service_healthy"},
        "demo": {"migrate": "service_completed_successfully"},
        "web": {
            "migrate": "service_completed_successfully",
            "demo": "service_completed_successfully",
        },
        "worker": {"migrate": "service_completed_successfully"},
        "proxy": {"web": "service_healthy"},
        **{name: {} for name in ("etcd1", "etcd2", "etcd3", "prometheus", "grafana")},
        **{name: {"secrets": "service_completed_successfully"} for name in ("pg1", "pg2", "pg3")},
    }
    # `docker compose up` alone starts all others.
    profiles = {name: one["profiles"] for name, one in SERVICES.items() if "profiles" in one}
    assert profiles == {
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
        **{f"{program}{number}": ["ha"] for program in ("etcd", "pg") for number in (1, 2, 3)},
    }
    # The image has its own health check; one-shot steps need none.
    assert "HEALTHCHECK" in {item.keyword for item in image.stages()[-1]}
    for name in ("secrets", "migrate", "demo"):
        assert SERVICES[name]["healthcheck"] == {"disable": True}
        assert SERVICES[name]["restart"] == "no"


def test_commands_of_compose_are_those_of_the_image():
    for name in ("secrets", "migrate", "demo"):
        program, script, *_ = SERVICES[name]["command"]
        assert program == "python"
        assert (ROOT / script).is_file()
    # Compose has a separate worker, so the web command leaves out the image's own worker.
    assert SERVICES["web"]["command"] == [*image.last("CMD").words(), "--without-worker"]
    assert SERVICES["worker"]["command"] == ["python", "manage.py", "process_transactions"]
    words = image.last("HEALTHCHECK").words()
    assert words[0] == "python"
    assert (ROOT / words[1]).is_file()


def test_only_the_proxy_is_reached_from_other_machines():
    published = {name for name, service in SERVICES.items() if service.get("ports")}
    assert published == {"proxy", "prometheus", "grafana"}
    assert SERVICES["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    assert SERVICES["proxy"]["ports"] == ["${HOST:-127.0.0.1}:${PORT:-5000}:8080"]
    assert SERVICES["db"]["networks"] == ["inner"]
    assert COMPOSE["networks"]["inner"] == {"internal": True}


@pytest.mark.parametrize("name", ["migrate", "demo", "web", "proxy", "etcd1", "pg3"])
def test_containers_have_no_more_rights_than_they_need(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_container_has_limits_of_memory_and_processes():
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[0-9]+[mg]", service["mem_limit"]), name
        assert 0 < service["pids_limit"] <= 512, name


def test_each_process_sees_its_own_secrets_only():
    """Volumes hold the secrets, one for each kind of process. The environment has none."""
    secrets = {"POSTGRES_PASSWORD", "BANK_OWNER_PASSWORD", "BANK_APP_PASSWORD", "DJANGO_SECRET_KEY"}
    environments = {
        name: set(VARIABLE.findall(yaml.dump(service.get("environment", {})))) & secrets
        for name, service in SERVICES.items()
    }
    assert {name for name, found in environments.items() if found} == {"secrets"}
    assert environments["secrets"] == secrets
    mounted = {
        name: [one for one in service.get("volumes", []) if one.startswith("secrets")]
        for name, service in SERVICES.items()
    }
    assert mounted == {
        "secrets": [
            "secrets:/run/bank-secrets/kept",
            "secrets-db:/run/bank-secrets/db",
            "secrets-owner:/run/bank-secrets/owner",
            "secrets-app:/run/bank-secrets/app",
        ],
        "db": ["secrets-db:/run/bank:ro"],
        "migrate": ["secrets-owner:/run/bank:ro"],
        "demo": ["secrets-app:/run/bank:ro"],
        "web": ["secrets-app:/run/bank:ro"],
        "worker": ["secrets-app:/run/bank:ro"],
        **{name: ["secrets-db:/run/bank:ro"] for name in ("pg1", "pg2", "pg3")},
        **{name: [] for name in ("etcd1", "etcd2", "etcd3", "proxy", "prometheus", "grafana")},
    }


def test_image_reads_the_secrets_as_its_env_file():
    """An empty volume gets the owner of the folder that the image has there."""
    runs = [item.rest for item in image.stages()[-1] if item.keyword == "RUN"]
    assert "ln -s /run/bank/env .env" in runs
    (made,) = (step for step in runs if "/run/bank-secrets" in step)
    folders = [one.split(":")[1] for one in SERVICES["secrets"]["volumes"]]
    assert made == "install --directory --owner=bank --group=bank --mode=0755 " + " ".join(folders)
    assert SERVICES["secrets"]["command"][-1] == str(Path(folders[0]).parent)


def test_every_setting_reaches_the_containers_and_stands_in_the_example():
    assert _settings_names() - _dotenv_names() == set()
    passed = set().union(*(SERVICES[name]["environment"] for name in ("web", "worker")))
    passed |= set(image.environment())
    assert _settings_names() - passed == NOT_IN_COMPOSE - set(image.environment())
    used = set(VARIABLE.findall((ROOT / "docker-compose.yml").read_text("utf-8")))
    assert used - _dotenv_names() == set()


def test_a_node_gets_each_variable_of_the_example():
    """In compose by its start script, and in the drill by its tests."""
    example = (ROOT / "deploy/ha/node.env.example").read_text("utf-8")
    names = set(re.findall(r"^([A-Z_0-9]+)=", example, re.MULTILINE))
    patroni = {name for name in names if not name.startswith("ETCD_")}
    script = (ROOT / "deploy/ha/start.sh").read_text("utf-8")
    assert set(re.findall(r"^([A-Z_0-9]+)=", script, re.MULTILINE)) == patroni
    exported = script.partition("\nexport ")[2].partition("\nexec")[0].replace("\\", "")
    assert set(exported.split()) == patroni
    drill = "".join(
        (ROOT / "tests/ha" / name).read_text("utf-8") for name in ("node.py", "cluster.py")
    )
    assert {name for name in names if f'"{name}"' not in drill} == set()


def test_no_service_has_the_key_of_seals():
    """It is for the run that seals: who has it could sign another past."""
    for name, service in SERVICES.items():
        assert "BANK_SEAL_KEY" not in service.get("environment", {}), name


def test_prometheus_reaches_each_process_that_counts() -> None:
    """By the name of its service and its port, on one network: on two it would be two targets."""
    text = (ROOT / "deploy/monitoring/prometheus.yml").read_text("utf-8")
    (bank,) = [one for one in yaml.safe_load(text)["scrape_configs"] if one["job_name"] == "bank"]
    targets = {
        name: sought["port"] for sought in bank["dns_sd_configs"] for name in sought["names"]
    }
    counting = {
        name: service
        for name, service in SERVICES.items()
        if service.get("image", "").startswith("bank:") and service["restart"] != "no"
    }
    assert targets == {
        name: int(service["environment"].get("BANK_METRICS_PORT", image.environment()["PORT"]))
        for name, service in counting.items()
    }
    assert set(targets) == {"web", "worker"}
    for name, service in counting.items():
        shared = set(service["networks"]) & set(SERVICES["prometheus"]["networks"])
        assert len(shared) == 1, name
    # What Prometheus shares with the workers leads to no other machine; mail leaves by another way.
    assert SERVICES["worker"]["networks"] == ["inner", "metrics", "mail"]
    assert COMPOSE["networks"]["metrics"] == {"internal": True}


def test_timeouts_fire_from_the_inside_out():
    """Database, then gunicorn, then the proxy: the one that knows the cause responds first."""
    nginx = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    proxy_seconds = int(re.search(r"proxy_read_timeout (\d+)s;", nginx)[1])
    grace_seconds = int(SERVICES["web"]["stop_grace_period"].removesuffix("s"))
    assert (
        settings.LOCK_TIMEOUT_SECONDS
        < settings.STATEMENT_TIMEOUT_SECONDS
        < gunicorn_conf.timeout
        < proxy_seconds
    )
    assert gunicorn_conf.graceful_timeout < grace_seconds
    assert "proxy_next_upstream off;" in nginx


def test_docker_itself_finds_no_fault():
    """Only if docker has its compose plugin, which needs no engine to read the file."""
    docker = shutil.which("docker")
    if not docker or _run(docker, "compose", "version").returncode:
        pytest.skip("needs docker with its compose plugin")
    names = set(VARIABLE.findall((ROOT / "docker-compose.yml").read_text("utf-8")))
    answer = _run(docker, "compose", "config", "--quiet", **dict.fromkeys(names, ""))
    assert answer.returncode == 0, answer.stderr


def test_health_check_says_no_where_nothing_listens():
    answer = _run(sys.executable, "deploy/healthcheck.py", PORT="1")
    assert answer.returncode == 1
    assert answer.stderr.startswith("not ready: ")


KUBERNETES = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/bank.yaml").read_text("utf-8")))


def test_only_workers_have_the_password_of_the_mail_server():
    given = {"EMAIL_URL", "BANK_MAIL_FROM", "BANK_APPROVAL_MAIL_MINUTES"}
    for name, service in SERVICES.items():
        assert given & set(service.get("environment", {})) == (given if name == "worker" else set())
    for item in KUBERNETES:
        secret = "bank-mail" in str(item)
        assert secret is (item["metadata"]["name"] == "bank-worker")


def test_kubernetes_runs_what_compose_runs() -> None:
    """With the same limits: no privileges, no writable root, and only variables that the bank
    knows.
    """
    specs = [item["spec"] for item in KUBERNETES if "spec" in item]
    pods = [spec["template"]["spec"] for spec in specs if "template" in spec]
    assert len(pods) == 3
    for pod, service in zip(pods, ("migrate", "web", "worker"), strict=True):
        (container,) = pod["containers"]
        assert container["command"] == SERVICES[service]["command"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts >= {volume["name"] for volume in pod["volumes"]}
    (worker,) = pods[2]["containers"]
    port = SERVICES["worker"]["environment"]["BANK_METRICS_PORT"]
    assert KUBERNETES[0]["data"]["BANK_METRICS_PORT"] == port
    assert [str(one["containerPort"]) for one in worker["ports"]] == [port]
    web, service = pods[1]["containers"][0], KUBERNETES[-1]
    assert service["spec"]["ports"][0]["targetPort"] == web["ports"][0]["containerPort"]
    assert set(KUBERNETES[0]["data"]) - {"BANK_DATA_DIR"} <= _dotenv_names()
