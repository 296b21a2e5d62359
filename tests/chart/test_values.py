"""What the chart makes of values: every example and many others, without a cluster."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.chart import (
    CHART,
    NAME,
    HelmFailed,
    content,
    helm,
    kinds,
    lay_out,
    options,
    pick,
    pod_templates,
    render,
)
from support.chart_values import ALL, EXAMPLE_VALUES, ODD, OUTSIDE, STACKS
from support.hivegate import hivegate_program, hivegatectl_program
from support.paths import ROOT
from support.postgres import PASSWORD, Postgres


@pytest.fixture(params=ALL, scope="module")
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return render(*ALL[request.param])


def test_lint() -> None:
    for values in ([], *EXAMPLE_VALUES.values()):
        argv = [part for each in values for part in options(each)]
        helm("lint", "--strict", str(CHART), *argv)


def test_config_is_right(objects, others, tmp_path: Path) -> None:
    """hivegate itself finds nothing wrong with its configuration, with the files of the pod."""
    template = pod_templates(objects)["gateway"]
    lay_out(objects, template, tmp_path, others)
    (option,) = (
        part for part in template["spec"]["containers"][0]["command"] if part.startswith("--config=")
    )
    config = tmp_path / option.removeprefix("--config=/")
    text = re.sub(
        r"/(etc/hivegate|run/hivegate|var/lib/hivegate)", rf"{tmp_path}/\1", config.read_text()
    )
    config.write_text(text)
    checked = subprocess.run(
        [str(hivegate_program()), "--check-config", str(config)],
        capture_output=True,
        text=True,
        env={"PASSWORD": "x"},
    )
    assert checked.returncode == 0, checked.stderr + text
    assert "warning" not in checked.stderr, checked.stderr


def test_objects_fit(objects) -> None:
    """Names are unique, and what an object names is there."""
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for _, name in names)
    templates = pod_templates(objects)
    accounts = {name for kind, name in names if kind == "ServiceAccount"} | {"default", None}
    for template in templates.values():
        spec = template["spec"]
        assert spec.get("serviceAccountName") in accounts
        for kind, name in references(spec):
            assert (kind, name) in names or name in OUTSIDE or name == f"{NAME}-tls", name
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        for container in spec["containers"] + spec.get("initContainers", []):
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            assert mounts - volumes <= {"state", "data"}  # these are claims
    for service in kinds(objects, "Service"):
        ports = ports_of(selected(templates, service["spec"]["selector"]))
        assert all(port["targetPort"] in ports for port in service["spec"]["ports"])


def references(spec: dict[str, Any]):
    """The Secrets and ConfigMaps of a pod."""
    for volume in spec.get("volumes", []):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
    for container in spec["containers"] + spec.get("initContainers", []):
        for source in container.get("envFrom", []):
            yield "Secret", source["secretRef"]["name"]
        for variable in container.get("env", []):
            if chosen := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", chosen["name"]


def selected(templates: dict[str, Any], selector: dict[str, str]) -> dict[str, Any]:
    """The one template that the labels select."""
    (found,) = (
        one for one in templates.values() if selector.items() <= one["metadata"]["labels"].items()
    )
    return found


def ports_of(template: dict[str, Any]) -> dict[str, int]:
    return {p["name"]: p["containerPort"] for p in template["spec"]["containers"][0]["ports"]}


def gateway(objects: list[dict[str, Any]]) -> str:
    """The name of hivegate's set, of its ConfigMap, and of what else is its own."""
    label = ("app.kubernetes.io/component", "gateway")
    (found,) = (
        one for one in kinds(objects, "StatefulSet") if label in one["metadata"]["labels"].items()
    )
    return found["metadata"]["name"]


def test_pods_are_restricted(objects) -> None:
    """What Pod Security's profile `restricted` asks for, and no token where none is needed."""
    for component, template in pod_templates(objects).items():
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        executors = "spark.kubernetes.driver.pod.name" in json.dumps(spec)
        follows = (
            "discovery: kubernetes"
            in pick(objects, "ConfigMap", gateway(objects))["data"]["hivegate.yaml"]
        )
        needed = {"spark": executors, "gateway": follows}.get(component, False)
        assert spec["automountServiceAccountToken"] is needed
        for container in spec["containers"] + spec.get("initContainers", []):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in container["securityContext"]


def test_only_hivegate_reaches_spark() -> None:
    for stack in ("whole", "executors"):
        objects = render(STACKS[stack])
        templates = pod_templates(objects)
        policies = {
            one["metadata"]["name"]: one["spec"]
            for one in kinds(objects, "NetworkPolicy")
            if selected(templates | executor(), one["spec"]["podSelector"]["matchLabels"])
        }
        reach: dict[tuple[str, int], set[str]] = {}
        for name, spec in policies.items():
            assert spec["policyTypes"] == ["Ingress"]
            for rule in spec["ingress"]:
                sources = {
                    peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
                    if "podSelector" in peer
                    else "anybody"
                    for peer in rule.get("from", [{}])
                }
                for port in rule.get("ports", [{"port": 0}]):
                    reach[name.removeprefix(NAME), port["port"]] = sources
        assert reach.pop(("", 10000)) == {"anybody"}
        assert reach.pop(("-spark", 10000)) == {"gateway"}
        assert reach.pop(("-metastore", 9083)) == {"spark"}
        assert reach.pop(("-postgresql", 5432)) == {
            "gateway", "audit-schema", "metastore", "metastore-schema",
        }  # fmt: skip
        assert reach.pop(("", 9180)) == {"anybody"}
        if stack == "executors":
            assert reach.pop(("-spark", 7078)) == reach.pop(("-spark", 7079)) == {"spark-executor"}
            assert reach.pop(("-spark-executor", 0)) == {"spark", "spark-executor"}
        assert not reach


def executor() -> dict[str, Any]:
    """Executors are Spark's pods: their labels are in its settings."""
    settings = pick(render(STACKS["executors"]), "ConfigMap", f"{NAME}-spark")
    text = settings["data"]["spark-defaults.conf"]
    found = re.findall(r"^spark\.kubernetes\.executor\.label\.(\S+) (\S+)$", text, re.MULTILINE)
    return {"spark-executor": {"metadata": {"labels": dict(found)}}}


def test_the_first_user_can_log_in(tmp_path: Path) -> None:
    """The users file holds the hash of the password beside it."""
    files = content(pick(render(), "Secret", f"{NAME}-initial-user"))
    users = tmp_path / "users.txt"
    users.write_bytes(files["users.txt"])
    argv = [str(hivegatectl_program()), "user", "check", "--file", str(users), "--password-stdin"]
    for password, status in ((files["password"], 0), (b"wrong", 1)):
        done = subprocess.run([*argv, "admin"], input=password + b"\n", capture_output=True)
        assert done.returncode == status, done.stderr
    again = content(pick(render(), "Secret", f"{NAME}-initial-user"))
    assert len(files["password"]) == 24 and again["password"] != files["password"]


def test_the_certificate_made(tmp_path: Path) -> None:
    objects = render({"tls": {"names": ["sql.example.org"]}})
    for name, data in content(pick(objects, "Secret", f"{NAME}-tls")).items():
        (tmp_path / name).write_bytes(data)
    for host in (f"{NAME}.data.svc.cluster.local", NAME, "sql.example.org", "localhost"):
        argv = ["openssl", "verify", "-CAfile", "ca.crt", "-verify_hostname", host, "tls.crt"]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_databases(tmp_path: Path) -> None:
    """The script for an empty PostgreSQL, and hivegatectl after it: who may do what there."""
    objects = render()
    script = pick(objects, "ConfigMap", f"{NAME}-postgresql")["data"]["databases.sh"]
    container = pod_templates(objects)["postgresql"]["spec"]["containers"][0]
    files = content(pick(objects, "Secret", f"{NAME}-postgresql"))
    secrets = {
        one["name"]: files[one["valueFrom"]["secretKeyRef"]["key"]].decode()
        for one in container["env"]
        if "valueFrom" in one
    }
    with Postgres() as server:
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port)}
        owner = {"POSTGRES_USER": "root_of_tests", "PGPASSWORD": PASSWORD}
        environment = os.environ | place | owner | secrets
        subprocess.run(["bash"], input=script, text=True, env=environment, check=True)

        def ask(user: str, database: str, sql: str) -> str:
            word = secrets[f"{user.upper()}_PASSWORD"]
            line = f"host=127.0.0.1 port={server.port} dbname={database} user={user}"
            argv = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", line, "-c", sql]
            done = subprocess.run(
                argv, env=os.environ | {"PGPASSWORD": word}, capture_output=True, text=True
            )
            return done.stderr or done.stdout.strip()

        job = pod_templates(objects)["audit-schema"]["spec"]["containers"][0]["command"]
        (tmp_path / "password").write_text(secrets["AUDIT_PASSWORD"])
        at = f"host=127.0.0.1 port={server.port} "
        argv = [
            re.sub("host=[^ ]* port=5432 ", at, part).replace("/etc/hivegate/audit", str(tmp_path))
            for part in job[1:]
        ]
        subprocess.run([str(hivegatectl_program()), *argv], check=True, capture_output=True)
        assert ask("metastore", "metastore", "CREATE TABLE t (a int); SELECT count(*) FROM t") == "0"
        assert ask("audit", "audit", "SELECT count(*) FROM hivegate.event") == "0"
        may = "SELECT has_table_privilege('hivegate.event', '{}')"
        assert ask("gateway", "audit", may.format("INSERT")) == "t"
        for verb in ("SELECT", "UPDATE", "DELETE", "TRUNCATE"):
            assert ask("gateway", "audit", may.format(verb)) == "f", verb
        assert "permission denied" in ask("gateway", "metastore", "SELECT 1")
        assert "permission denied" in ask("metastore", "audit", "SELECT 1")


def test_the_version_is_hivegate_s() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = (ROOT / "VERSION").read_text().strip()
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_alerts_and_dashboard_have_one_source() -> None:
    objects = render(*ODD["everything"])
    rules = yaml.safe_load((ROOT / "contrib/prometheus-rules.yaml").read_text())
    assert pick(objects, "PrometheusRule")["spec"] == rules
    shown = pick(objects, "ConfigMap", f"{NAME}-dashboard")["data"]["hivegate.json"]
    assert json.loads(shown) == json.loads((ROOT / "contrib/grafana-dashboard.json").read_text())
    (endpoint,) = pick(objects, "ServiceMonitor")["spec"]["endpoints"]
    assert {"targetLabel": "job", "replacement": "hivegate"} in endpoint["relabelings"]
    wanted = pick(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    found = [s for s in kinds(objects, "Service") if wanted <= s["metadata"]["labels"].items()]
    assert [one["metadata"]["name"] for one in found] == [f"{NAME}-metrics"]


def test_a_pod_has_time_to_end() -> None:
    objects = render({"shutdown": {"forget": 7, "statements": 90}})
    spec = pod_templates(objects)["gateway"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 7 + 90 + 15
    config = yaml.safe_load(pick(objects, "ConfigMap")["data"]["hivegate.yaml"])
    assert (config["shutdown_wait"], config["shutdown_timeout"]) == ("7s", "90s")


def test_config_changes_start_pods_anew() -> None:
    def mark(*values: Any) -> str:
        template = pod_templates(render(*values))["gateway"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert mark() == mark({"resources": {}})
    assert mark() != mark({"config": {"workers": 3}})
    assert mark() == mark({"spark": {"replicas": 3}})
    static = {"discovery": "static"}
    assert mark({"spark": static}) != mark({"spark": static | {"replicas": 3}})


REFUSED = [
    ({"replica": 2}, "additional properties 'replica' not allowed"),
    ({"replicas": "two"}, "at '/replicas': got string, want integer"),
    ({"replicas": 0}, "at '/replicas': minimum: got 0, want 1"),
    ({"tls": {"source": "letsencrypt"}}, "at '/tls/source': value must be one of 'generated'"),
    ({"endpoints": ["spark-1"]}, "at '/endpoints/0': 'spark-1' does not match pattern"),
    ({"listeners": {"binary": {"port": 443}}}, "at '/listeners/binary/port': minimum: got 443"),
    ({"spark": {"executors": {"mode": "yarn"}}}, "at '/spark/executors/mode': value must be one of"),
    ({"secrets": [{"name": "ldap"}]}, "at '/secrets/0': missing property 'secret'"),
    ({"persistence": {"size": "ten"}}, "at '/persistence/size': 'ten' does not match pattern"),
    ({"spark": {"enabled": False}}, "name the Spark Thrift Servers"),
    ({"endpoints": ["a:1"]}, "set spark.enabled to false to use others"),
    ({"tls": {"source": "secret"}}, "name the Secret with the certificate"),
    ({"tls": {"source": "cert-manager"}}, "name the issuer"),
    ({"tls": {"source": "none"}, "service": {"type": "NodePort"}}, "passwords in clear"),
    ({"listeners": {"binary": {"enabled": False}}}, "enable binary, http or both"),
    ({"ingress": {"enabled": True}}, "set listeners.http.enabled to true"),
    (
        {"ingress": {"enabled": True}, "listeners": {"http": {"enabled": True}}},
        "set host and tlsSecret",
    ),
    ({"authentication": {"initialUser": {"enabled": False}}}, "set usersSecret or"),
    ({"postgresql": {"enabled": False}}, "set host and existingSecret of the database"),
    (
        {"postgresql": {"enabled": False}, "metastore": {"enabled": False}},
        "or audit.enabled to false",
    ),
    ({"policies": {"settings": {"user": "a"}}}, "there is no policies file"),
    ({"policies": {"rules": {"policies": []}, "configMap": "a"}}, "not both"),
    ({"metastore": {"uri": "thrift://a:9083"}}, "set it to false to use an existing one"),
]


@pytest.mark.parametrize("values,said", REFUSED, ids=[said for _, said in REFUSED])
def test_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        render(values)
    assert said in str(refused.value)


def test_every_value_is_known_to_the_schema() -> None:
    """The same keys stand in values.yaml and in values.schema.json."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    schema["properties"].pop("global")  # Helm's own

    def compare(values: dict[str, Any], rule: dict[str, Any], path: str) -> None:
        assert rule["additionalProperties"] is False, path
        assert set(values) == set(rule["properties"]), path
        for key, value in values.items():
            below = rule["properties"][key]
            if "properties" in below:
                compare(value, below, f"{path}.{key}")

    compare(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "")
