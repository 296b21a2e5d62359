"""The chart in a real API server: every object is admitted, RBAC allows what is needed and nothing
else, and install, upgrade, rollback and uninstall do what they say."""

import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.chart import CHART, NAME, RELEASE, helm, options, render
from support.chart_values import DOORS, EXAMPLE_VALUES, ODD, STACKS
from support.hivegate import Hivegate, default_config, hivegatectl_program
from support.kubernetes import ControlPlane, Kubelet, Refused, eventually

# what Prometheus' operator and cert-manager bring; that the API server must know
CUSTOM = {
    "monitoring.coreos.com": {
        "servicemonitors": "ServiceMonitor",
        "prometheusrules": "PrometheusRule",
    },
    "cert-manager.io": {"certificates": "Certificate"},
}
ADMITTED = {**EXAMPLE_VALUES, **ODD, "executors": [STACKS["executors"]], "http": [DOORS["http"]]}
CHECKED = "dryRun=All&fieldValidation=Strict"


@pytest.fixture(scope="module")
def kinds(cluster: ControlPlane) -> dict[tuple[str, str], str]:
    """The path of each kind's collection, with {namespace} where it has one."""
    for group, names in CUSTOM.items():
        for plural, kind in names.items():
            make_custom(cluster, group, plural, kind)
    found = {}
    groups = cluster.call("GET", "/apis")["groups"]
    versions = ["v1", *(version["groupVersion"] for group in groups for version in group["versions"])]
    for version in versions:
        top = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        for one in cluster.call("GET", top)["resources"]:
            if "/" not in one["name"] and "create" in one["verbs"]:
                middle = "/namespaces/{namespace}" if one["namespaced"] else ""
                found[version, one["kind"]] = f"{top}{middle}/{one['name']}"
    return found


def make_custom(cluster: ControlPlane, group: str, plural: str, kind: str) -> None:
    version = "v1"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": plural, "kind": kind},
        "versions": [
            {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        ],
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.call("POST", path, {"metadata": {"name": f"{plural}.{group}"}, "spec": spec})

    def served() -> bool:
        groups = cluster.call("GET", "/apis")["groups"]
        try:
            names = cluster.call("GET", f"/apis/{group}/{version}")["resources"]
        except Refused:  # the list of groups and what is behind it don't change at once
            return False
        return group in [one["name"] for one in groups] and plural in [one["name"] for one in names]

    eventually(f"{plural} to be served", served)


@pytest.fixture(scope="module")
def volumes(cluster: ControlPlane) -> None:
    """Volumes for claims; nobody makes any here."""
    for number in range(8):
        spec = {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": f"/nowhere/{number}"},
        }
        body = {"metadata": {"name": f"volume-{number}"}, "spec": spec}
        cluster.call("POST", "/api/v1/persistentvolumes", body)


@pytest.fixture
def place(cluster: ControlPlane, request: pytest.FixtureRequest) -> str:
    """A namespace that takes only pods of the profile `restricted`."""
    name = f"chart-{request.node.name.replace('_', '-').split('[')[0]}"[:60]
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    return name


@pytest.mark.parametrize("values", ADMITTED.values(), ids=ADMITTED)
def test_objects_are_admitted(cluster: ControlPlane, kinds, values: list[Any]) -> None:
    """With no unknown field and no wrong one."""
    for one in render(*values, more=["--no-hooks"]) + hooks(values):
        path = kinds[one["apiVersion"], one["kind"]].format(namespace="default")
        one["metadata"]["namespace"] = "default"
        cluster.call("POST", f"{path}?{CHECKED}", one)


def hooks(values: list[Any]) -> list[dict[str, Any]]:
    return [
        one for one in render(*values) if "helm.sh/hook" in one["metadata"].get("annotations", {})
    ]


class Release:
    """The chart, installed. Its Secrets and the configuration that pods would see."""

    def __init__(self, cluster: ControlPlane, namespace: str):
        self.cluster = cluster
        self.namespace = namespace
        self.config = cluster.admin_config()

    def helm(self, *argv: str) -> str:
        return helm(*argv, "--namespace", self.namespace, config=self.config)

    def change(self, verb: str, *values: Any) -> str:
        argv = [part for each in values for part in options(each)]
        return self.helm(verb, RELEASE, str(CHART), "--wait", "--timeout=10m", *argv)

    def get(self, path: str) -> Any:
        return self.cluster.call("GET", path.format(f"namespaces/{self.namespace}"))

    def secrets(self) -> dict[str, Any]:
        listed = self.get("/api/v1/{}/secrets")["items"]
        ours = {one["metadata"]["name"]: one["data"] for one in listed}
        return {name: data for name, data in ours.items() if name.startswith(NAME)}

    def sets(self) -> dict[str, Any]:
        listed = self.get("/apis/apps/v1/{}/statefulsets")["items"]
        return {one["metadata"]["name"].removeprefix(NAME): one["status"] for one in listed}

    def hivegate_yaml(self) -> str:
        return self.get(f"/api/v1/{{}}/configmaps/{NAME}")["data"]["hivegate.yaml"]


class Watch:
    """How few of hivegate's pods the controller counted as available, from time to time."""

    def __init__(self, release: Release):
        self._release = release
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counts: list[int] = []

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(0.02):
            self.counts.append(self._release.sets()[""].get("availableReplicas", 0))


def test_install_upgrade_rollback_uninstall(
    cluster: ControlPlane, kubelet: Kubelet, volumes, place: str
) -> None:
    release = Release(cluster, place)
    said = release.change("install")
    assert "jdbc:hive2://localhost:10000/;ssl=true;sslTrustStore=trust.p12" in said
    assert f"{NAME}.{place}.svc.cluster.local:10000" in said
    assert {name: one["readyReplicas"] for name, one in release.sets().items()} == {
        "": 2,
        "-spark": 2,
        "-postgresql": 1,
    }
    jobs = eventually("the Jobs", lambda: done_jobs(release))
    assert [name.rpartition("-")[0] for name in jobs] == [
        f"{NAME}-audit-schema",
        f"{NAME}-metastore-schema",
    ]
    (budget,) = (
        one["status"]
        for one in release.get("/apis/policy/v1/{}/poddisruptionbudgets")["items"]
        if one["metadata"]["name"] == NAME
    )
    assert budget["expectedPods"] == 2
    first, config = release.secrets(), release.hivegate_yaml()
    assert set(first) == {
        f"{NAME}{end}" for end in ("-cookie", "-initial-user", "-tls", "-postgresql")
    }

    with Watch(release) as watch:
        release.change("upgrade", {"config": {"workers": 3}})
    assert min(watch.counts) >= 1 and len(watch.counts) > 3
    assert "workers: 3" in release.hivegate_yaml()
    assert release.secrets() == first, "what was made once is kept"
    revisions = release.sets()[""]
    assert revisions["currentRevision"] == revisions["updateRevision"]

    release.change("upgrade", {"replicas": 3, "spark": {"replicas": 1}})
    assert release.sets()[""]["readyReplicas"] == 3
    with Watch(release) as watch:
        release.helm("rollback", RELEASE, "1", "--wait", "--timeout=10m")
    assert min(watch.counts) >= 1
    assert release.hivegate_yaml() == config and release.secrets() == first

    release.helm("uninstall", RELEASE, "--wait", "--timeout=10m")
    eventually("all but what holds data to go", lambda: left(release) == KEPT)
    again = release.change("install")
    assert "is installed" in again
    assert release.secrets()[f"{NAME}-postgresql"] == first[f"{NAME}-postgresql"]


def done_jobs(release: Release) -> list[str]:
    """The names of all Jobs, once all of them have succeeded."""
    jobs = release.get("/apis/batch/v1/{}/jobs")["items"]
    done = all(job["status"].get("succeeded") == 1 for job in jobs)
    return sorted(job["metadata"]["name"] for job in jobs) if done else []


KEPT = {
    f"Secret {NAME}-postgresql",
    f"PersistentVolumeClaim data-{NAME}-postgresql-0",
    f"PersistentVolumeClaim state-{NAME}-0",
    f"PersistentVolumeClaim state-{NAME}-1",
    f"PersistentVolumeClaim state-{NAME}-2",
}


def left(release: Release) -> set[str]:
    """What there is in the namespace that the chart or its controllers made."""
    found = set()
    for kind, path in {
        "Secret": "/api/v1/{}/secrets",
        "ConfigMap": "/api/v1/{}/configmaps",
        "Service": "/api/v1/{}/services",
        "ServiceAccount": "/api/v1/{}/serviceaccounts",
        "Pod": "/api/v1/{}/pods",
        "PersistentVolumeClaim": "/api/v1/{}/persistentvolumeclaims",
        "StatefulSet": "/apis/apps/v1/{}/statefulsets",
        "Deployment": "/apis/apps/v1/{}/deployments",
        "ReplicaSet": "/apis/apps/v1/{}/replicasets",
        "ControllerRevision": "/apis/apps/v1/{}/controllerrevisions",
        "Job": "/apis/batch/v1/{}/jobs",
        "Role": "/apis/rbac.authorization.k8s.io/v1/{}/roles",
        "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/{}/rolebindings",
        "NetworkPolicy": "/apis/networking.k8s.io/v1/{}/networkpolicies",
        "PodDisruptionBudget": "/apis/policy/v1/{}/poddisruptionbudgets",
        "EndpointSlice": "/apis/discovery.k8s.io/v1/{}/endpointslices",
    }.items():
        found |= {f"{kind} {one['metadata']['name']}" for one in release.get(path)["items"]}
    return found - {"ServiceAccount default", "ConfigMap kube-root-ca.crt"}


@pytest.fixture
def executors(cluster: ControlPlane, kinds, place: str) -> Iterator[str]:
    """The chart with executors as pods, installed without waiting for its pods."""
    release = Release(cluster, place)
    argv = options(STACKS["executors"])
    release.helm("install", RELEASE, str(CHART), *argv)
    yield place
    release.helm("uninstall", RELEASE)


def may(cluster: ControlPlane, token: str, verb: str, resource: str, namespace: str) -> bool:
    """What `kubectl auth can-i` asks, with an account's own token."""
    name, _, group = resource.partition(".")
    attributes = {"verb": verb, "resource": name, "group": group, "namespace": namespace}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return cluster.call("POST", path, body, token=token)["status"]["allowed"]


def test_rights(cluster: ControlPlane, executors: str) -> None:
    """hivegate's account may list and watch EndpointSlices, Spark's what executors need."""
    hivegate = cluster.make_token(executors, NAME)
    spark = cluster.make_token(executors, f"{NAME}-spark")
    slices = "endpointslices.discovery.k8s.io"
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
        assert may(cluster, hivegate, verb, slices, executors) is (verb in ("list", "watch"))
        assert not may(cluster, hivegate, verb, slices, "default")
        for resource in ("pods", "secrets", "configmaps", "services", "endpoints"):
            assert not may(cluster, hivegate, verb, resource, executors)
            assert not may(cluster, spark, verb, resource, "default")
    for verb in ("create", "get", "list", "watch", "patch", "delete", "deletecollection"):
        for resource in ("pods", "configmaps", "persistentvolumeclaims"):
            assert may(cluster, spark, verb, resource, executors), (verb, resource)
    for resource in ("secrets", "serviceaccounts", "statefulsets.apps", "pods/exec"):
        for verb in ("get", "create", "delete"):
            assert not may(cluster, spark, verb, resource, executors), (verb, resource)
    assert not may(cluster, spark, "create", "rolebindings.rbac.authorization.k8s.io", executors)


def test_hivegate_follows_the_servers(
    cluster: ControlPlane, kubelet: Kubelet, place: str, tmp_path: Path
) -> None:
    """A hivegate outside, with the pool that the chart renders and its account's own token."""
    without = {"metastore": {"enabled": False}, "postgresql": {"enabled": False}}
    without |= {"audit": {"enabled": False}, "persistence": {"enabled": False}}
    release = Release(cluster, place)
    release.change("install", without)
    (pool,) = yaml.safe_load(release.hivegate_yaml())["pools"]
    token = tmp_path / "token"
    token.write_text(cluster.make_token(place, NAME))
    outside = {"server": cluster.url, "ca_file": str(cluster.ca_file), "token_file": str(token)}
    pool["kubernetes"] |= outside | {"namespace": place}
    config = default_config(["unused:1"])
    config["pools"] = [pool]
    config["admin"] = {"listen": [{"bind": f"unix:{tmp_path}/admin.sock"}]}

    def known() -> list[str]:
        argv = [str(hivegatectl_program()), "endpoints", "--admin", f"unix:{tmp_path}/admin.sock"]
        told = subprocess.run([*argv, "--output=json"], check=True, capture_output=True, text=True)
        return sorted(re.findall(r'"(10\.1\.[0-9.]+:10000)"', told.stdout))

    def pods() -> list[str]:
        found = [pod for pod in kubelet.pods(place) if "-spark-" in pod["metadata"]["name"]]
        return sorted(f"{pod['status'].get('podIP')}:10000" for pod in found)

    with Hivegate(config, users={"alice": "x"}):
        for replicas in (2, 4, 1):
            if replicas != 2:
                release.change("upgrade", without | {"spark": {"replicas": replicas}})
            eventually(f"{replicas} pods", lambda count=replicas: len(pods()) == count)
            eventually(f"{replicas} endpoints", lambda: known() == pods())
    release.helm("uninstall", RELEASE, "--wait")
