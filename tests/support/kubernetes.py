"""A real control plane of Kubernetes on loopback: etcd, kube-apiserver, controller-manager and
scheduler, built by tools/setup from Kubernetes' own Go module. Pods have no processes: the tests say
how each stands, as a kubelet would.

Nothing of it uses containers or the machine's network. Who may do what is RBAC, as anywhere.
"""

import http.client
import json
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .certificates import Authority
from .net import free_port, is_listening
from .paths import CACHE, SetupError
from .process import Process

PROGRAMS = CACHE / "kubernetes"
NODE = "node-1"
_ADMIN_TOKEN = "the-administrator"
_MANAGER_TOKEN = "the-controller-manager"
_SCHEDULER_TOKEN = "the-scheduler"
_TOKENS = f"""{_ADMIN_TOKEN},admin,admin,system:masters
{_MANAGER_TOKEN},system:kube-controller-manager,kcm
{_SCHEDULER_TOKEN},system:kube-scheduler,scheduler
"""

Object = dict[str, Any]


class Refused(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, text: str):
        super().__init__(f"HTTP status {status}: {text}")
        self.status = status


def _program(name: str) -> str:
    path = PROGRAMS / name
    if not path.exists():
        raise SetupError(f"no {path}; run: tools/setup kubernetes")
    return str(path)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class ControlPlane:
    """One cluster. Its address and its data stay when parts are stopped and started again."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._etcd_port = free_port()
        self._etcd_peer_port = free_port()
        self._manager_port = free_port()
        self._scheduler_port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        authority = Authority(folder / "pki")
        self.ca_file = authority.ca_file
        self._certificate = authority.issue_server("apiserver")
        self._context = ssl.create_default_context(cafile=str(self.ca_file))
        self._parts: dict[str, Process] = {}
        self._starts = 0
        (folder / "tokens.csv").write_text(_TOKENS)
        key = str(folder / "pki" / "sa.key")
        public = str(folder / "pki" / "sa.pub")
        for argv in (
            ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
            ["ec", "-in", key, "-pubout", "-out", public],
        ):
            subprocess.run(["openssl", *argv], check=True, capture_output=True)

    def __enter__(self) -> "ControlPlane":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- its parts ----

    def start(self) -> None:
        self.start_etcd()
        self.start_api_server()
        self._start_with_config(
            "kube-controller-manager",
            _MANAGER_TOKEN,
            self._manager_port,
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.folder}/pki/sa.key",
            f"--root-ca-file={self.ca_file}",
            "--controllers=deployment-controller,replicaset-controller,endpointslice-controller,"
            "garbage-collector-controller,serviceaccount-controller,namespace-controller,"
            "statefulset-controller,job-controller,disruption-controller,"
            "persistentvolume-binder-controller",
        )
        self._start_with_config("kube-scheduler", _SCHEDULER_TOKEN, self._scheduler_port)

    def stop(self) -> None:
        # etcd last: an API server without it takes a minute to end
        for name in ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"):
            if part := self._parts.pop(name, None):
                part.stop()

    def _spawn(self, name: str, argv: list[str]) -> Process:
        self._starts += 1
        part = Process.spawn(argv, self.folder / f"{name}-{self._starts}.log")
        self._parts[name] = part
        return part

    def start_etcd(self) -> None:
        program = shutil.which("etcd")
        if program is None:
            raise SetupError("no etcd here; run: tools/setup kubernetes")
        client = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._etcd_peer_port}"
        argv = [program, "--name=one", f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync"]
        argv += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        argv += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        argv += [f"--initial-cluster=one={peer}"]
        part = self._spawn("etcd", argv)
        part.wait_until(lambda: is_listening(self._etcd_port), "etcd", 60)

    def start_api_server(self) -> None:
        pki = self.folder / "pki"
        argv = [_program("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self._etcd_port}"]
        argv += ["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"]
        argv += [f"--secure-port={self.port}", "--endpoint-reconciler-type=none"]
        argv += [f"--tls-cert-file={self._certificate.certificate}"]
        argv += [f"--tls-private-key-file={self._certificate.key}"]
        argv += [f"--token-auth-file={self.folder}/tokens.csv", "--authorization-mode=RBAC"]
        argv += ["--service-account-issuer=https://kubernetes.default.svc"]
        argv += [f"--service-account-key-file={pki}/sa.pub"]
        argv += [f"--service-account-signing-key-file={pki}/sa.key"]
        argv += ["--service-cluster-ip-range=10.0.0.0/16,fd00:10::/112"]
        argv += ["--disable-admission-plugins=ServiceAccount", "--shutdown-delay-duration=0s"]
        part = self._spawn("kube-apiserver", argv)
        part.wait_until(self._is_ready, "kube-apiserver", 180)

    def stop_api_server(self) -> None:
        self._parts.pop("kube-apiserver").stop()

    def kill_api_server(self) -> None:
        """Ends it as a crash does."""
        self._parts.pop("kube-apiserver").kill()

    def admin_config(self) -> Path:
        """A kubeconfig of the administrator's, for kubectl or Helm."""
        return self._config_file("admin", _ADMIN_TOKEN)

    def _config_file(self, name: str, token: str) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {"server": self.url, "certificate-authority": str(self.ca_file)},
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "test", "user": "u"}}],
            "current-context": "c",
        }
        path = self.folder / f"{name}.config"
        path.write_text(json.dumps(config))  # JSON is YAML
        path.chmod(0o600)
        return path

    def _start_with_config(self, name: str, token: str, port: int, *options: str) -> None:
        path = self._config_file(name, token)
        argv = [_program(name), f"--kubeconfig={path}", "--bind-address=127.0.0.1"]
        argv += [f"--secure-port={port}", "--leader-elect=false", *options]
        self._spawn(name, argv)

    def _is_ready(self) -> bool:
        try:
            self.call("GET", "/readyz", raw=True)
            # RBAC's own roles are made after the start
            self.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view")
            self.call("GET", "/api/v1/namespaces/default")
        except (Refused, OSError, http.client.HTTPException):
            return False
        return True

    # ---- its API ----

    def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        raw: bool = False,
        token: str = _ADMIN_TOKEN,
    ) -> Any:
        """Makes a request, as the administrator or by another token. A PATCH is a merge patch."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": kind, "Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=60) as answer:
                return answer.read() if raw else json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None

    def make_namespace(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.call("POST", "/api/v1/namespaces", body)

    def make_account(self, namespace: str, name: str = "hivegate", verbs=("list", "watch")) -> None:
        """A service account with a role of its own: what hivegate needs, and no more."""
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        metadata = {"name": name}
        self.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": metadata})
        rule = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]}
        self.call(
            "POST", f"{rbac}/roles", {"metadata": metadata, "rules": [rule | {"verbs": list(verbs)}]}
        )
        self.call(
            "POST",
            f"{rbac}/rolebindings",
            {
                "metadata": metadata,
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Role",
                    "name": name,
                },
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
            },
        )

    def make_token(self, namespace: str, name: str = "hivegate") -> str:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return self.call("POST", path, body)["status"]["token"]

    def make_service(
        self, namespace: str, name: str, port: int = 10000, dual: bool = False
    ) -> Object:
        """A headless Service of the pods with the label app=NAME, with the port `thrift`."""
        spec: Object = {
            "clusterIP": "None",
            "selector": {"app": name},
            "publishNotReadyAddresses": False,
            "ports": [{"name": "thrift", "port": port}, {"name": "ui", "port": 4040}],
        }
        if dual:
            spec |= {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}
        body = {"metadata": {"name": name}, "spec": spec}
        return self.call("POST", f"/api/v1/namespaces/{namespace}/services", body)

    def make_deployment(self, namespace: str, name: str, replicas: int) -> None:
        container = {"name": "thrift", "image": "none", "ports": [{"containerPort": 10000}]}
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 30},
        }
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        }
        body = {"metadata": {"name": name}, "spec": spec}
        self.call("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)

    def change_deployment(self, namespace: str, name: str, patch: Object) -> None:
        self.call("PATCH", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}", patch)

    def slice_path(self, namespace: str, name: str = "") -> str:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        return f"{path}/{name}" if name else path

    def slices(self, namespace: str) -> list[Object]:
        return self.call("GET", self.slice_path(namespace))["items"]


class Kubelet:
    """Stands in for the kubelet of one node: the pods that the scheduler puts there get an address
    and are ready, unless `hold` says otherwise; pods that are being deleted stay, terminating, until
    release() lets them go. Pods of Jobs have succeeded at once."""

    def __init__(self, cluster: ControlPlane):
        self._cluster = cluster
        self._stopping = threading.Event()
        self._next = 4
        self._addresses: dict[str, int] = {}  # by the pod's uid
        self._held: set[str] = set()  # uids of pods that aren't ready
        self.keep_terminating = False
        self.problem: BaseException | None = None
        self._lock = threading.Lock()
        self._cluster.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        self._beat()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Kubelet":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _beat(self) -> None:
        room = {"cpu": "32", "memory": "64Gi", "pods": "500"}
        conditions = [{"type": "Ready", "status": "True", "reason": "test"}]
        status = {"conditions": conditions, "capacity": room, "allocatable": room}
        self._cluster.call("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})
        taints: Object = {"spec": {"taints": None}}
        self._cluster.call("PATCH", f"/api/v1/nodes/{NODE}", taints)

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            try:
                for pod in self.pods():
                    self._attend(pod)
            except (OSError, http.client.HTTPException):
                continue  # the API server is away
            except Refused as error:
                if error.status not in (404, 409):  # it went or changed in between
                    self.problem = error

    def pods(self, namespace: str = "") -> list[Object]:
        path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        return self._cluster.call("GET", path)["items"]

    def _attend(self, pod: Object) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if not pod["spec"].get("nodeName"):
            return
        if metadata.get("deletionTimestamp"):
            if not self.keep_terminating:
                self._cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
            return
        of_job = any(owner["kind"] == "Job" for owner in metadata.get("ownerReferences", []))
        ready = metadata["uid"] not in self._held and not of_job
        number = self._addresses.get(metadata["uid"])
        if number is None:
            number = self._addresses[metadata["uid"]] = self._next
            self._next += 1
        conditions = pod["status"].get("conditions", [])
        stands = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        if pod["status"].get("podIP") and stands == ready:
            return
        status = self._status(number, ready)
        if of_job:
            status["phase"] = "Succeeded"
        self._cluster.call("PATCH", path + "/status", {"status": status})

    @staticmethod
    def _status(number: int, ready: bool) -> Object:
        v4 = f"10.1.{number // 250}.{number % 250}"
        stands = {"Initialized": True, "Ready": ready, "ContainersReady": ready, "PodScheduled": True}
        return {
            "phase": "Running",
            "podIP": v4,
            "podIPs": [{"ip": v4}, {"ip": f"fd00:1::{number:x}"}],
            "conditions": [
                {"type": name, "status": str(value), "lastTransitionTime": _now()}
                for name, value in stands.items()
            ],
        }

    def hold(self, uid: str) -> None:
        """Makes a pod fail its readiness probe."""
        self._held.add(uid)

    def unhold(self, uid: str) -> None:
        self._held.discard(uid)


def eventually(what: str, found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Waits until found() gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.05)
    return result
