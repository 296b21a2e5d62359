"""The source `kubernetes` follows a real cluster: a Deployment's pods behind a headless Service."""

import statistics
import time
from pathlib import Path
from typing import Any

from support.api_server import endpoint, slice_of
from support.discovery import Line, places
from support.kubernetes import ControlPlane, Kubelet, eventually
from support.relay import Relay

ROUNDS = 40


def uids(endpoints: list[Line]) -> set[str]:
    return {one["instance"].removeprefix("pod:") for one in endpoints}


def all_ready(count: int):
    """A set of that many endpoints, all of them ready."""

    def good(found: list[Line]) -> bool:
        return len(found) == count and all(one["ready"] for one in found)

    return good


def scale(cluster: ControlPlane, namespace: str, replicas: int) -> None:
    cluster.change_deployment(namespace, "sts", {"spec": {"replicas": replicas}})


def test_scaling(cluster: ControlPlane, kubelet: Kubelet, namespace: str, find) -> None:
    cluster.make_service(namespace, "sts")
    with find() as found:
        found.wait_hosts()
        cluster.make_deployment(namespace, "sts", 3)
        got = found.wait_set("three", all_ready(3))["set"]
        pods = kubelet.pods(namespace)
        assert uids(got) == {pod["metadata"]["uid"] for pod in pods}
        assert places(got) == sorted(f"{pod['status']['podIP']}:10000" for pod in pods)
        assert all(one["serving"] and not one["terminating"] for one in got)
        scale(cluster, namespace, 12)
        found.wait_set("twelve", all_ready(12))
        scale(cluster, namespace, 1)
        found.wait_set("one", all_ready(1))
        scale(cluster, namespace, 0)
        found.wait_hosts()
        found.wait_standing("fresh")
    assert found.stopped_ms < 1000


def test_conditions(cluster: ControlPlane, kubelet: Kubelet, namespace: str, find) -> None:
    """A failing probe, and a pod that is being deleted: not ready, but still serving until it has
    ended."""
    cluster.make_service(namespace, "sts")
    cluster.make_deployment(namespace, "sts", 2)

    def state(of: str, ready: bool, serving: bool, terminating: bool):
        def good(found: list[Line]) -> bool:
            wanted = (ready, serving, terminating)
            return any(
                (one["ready"], one["serving"], one["terminating"]) == wanted
                for one in found
                if one["instance"] == f"pod:{of}"
            )

        return good

    with find() as found:
        first, second = sorted(uids(found.wait_set("two", all_ready(2))["set"]))
        kubelet.hold(first)
        found.wait_set("not ready", state(first, False, False, False))
        kubelet.unhold(first)
        found.wait_set("ready again", state(first, True, True, False))
        kubelet.keep_terminating = True
        (name,) = (
            pod["metadata"]["name"]
            for pod in kubelet.pods(namespace)
            if pod["metadata"]["uid"] == second
        )
        cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
        found.wait_set("it ends", state(second, False, True, True))
        kubelet.keep_terminating = False
        # another has taken its place
        got = found.wait_set("two again", all_ready(2))["set"]
        assert second not in uids(got) and first in uids(got)


def test_rolling_restart(cluster: ControlPlane, kubelet: Kubelet, namespace: str, find) -> None:
    """A new version replaces all pods; at no moment is there none that is ready."""
    cluster.make_service(namespace, "sts")
    cluster.make_deployment(namespace, "sts", 4)
    with find() as found:
        before = uids(found.wait_set("four", all_ready(4))["set"])
        begun = len(found.sets)
        changed = {"metadata": {"annotations": {"restarted": "now"}}}
        cluster.change_deployment(namespace, "sts", {"spec": {"template": changed}})
        found.wait_set(
            "four others", lambda got: all_ready(4)(got) and not before & uids(got)
        )
    assert all(any(one["ready"] for one in got) for got in found.sets[begun:])


def test_dual_stack(cluster: ControlPlane, kubelet: Kubelet, namespace: str, find) -> None:
    """A pod with two addresses, which are in two slices, is one endpoint."""
    cluster.make_service(namespace, "sts", dual=True)
    cluster.make_deployment(namespace, "sts", 3)

    def good(found: list[Line]) -> bool:
        return all_ready(3)(found) and all(one["other_host"] for one in found)

    with find() as found:
        got = found.wait_set("three with two addresses", good)["set"]
        assert all(one["host"].startswith("10.1.") for one in got)
        assert all(one["other_host"].startswith("fd00:1::") for one in got)


def test_many_slices(cluster: ControlPlane, kubelet: Kubelet, namespace: str, find) -> None:
    """More pods than one EndpointSlice of the controller has room for (100), listed in pages and
    watched."""
    cluster.make_service(namespace, "sts")
    with find(page=1) as found:
        cluster.make_deployment(namespace, "sts", 130)
        found.wait_set("all", all_ready(130))
        assert len(cluster.slices(namespace)) >= 2
    with find(page=1) as again:
        assert len(again.wait_set("all", all_ready(130))["set"]) == 130
    assert len(again.sets) == 1
    scale(cluster, namespace, 0)


def own_slice(namespace: str, name: str, *endpoints: Any) -> dict:
    """A slice that no controller looks after."""
    made = slice_of(name, *endpoints)
    made["metadata"] = {
        "name": name,
        "namespace": namespace,
        "labels": {
            "kubernetes.io/service-name": "sts",
            "endpointslice.kubernetes.io/managed-by": "test",
        },
    }
    return made


def test_api_server_is_away(
    cluster: ControlPlane, kubelet: Kubelet, namespace: str, find
) -> None:
    """Killed and back: the last set stays, the standing says so, and what changed meanwhile is
    seen."""
    own = own_slice(namespace, "a", endpoint("10.1.9.1"))
    cluster.call("POST", cluster.slice_path(namespace), own)
    with find() as found:
        found.wait_hosts("10.1.9.1:10000")
        found.wait_standing("fresh")
        cluster.kill_api_server()
        try:
            found.wait_standing("stale")
            assert places(found.look()["set"]) == ["10.1.9.1:10000"]
        finally:
            cluster.start_api_server()
        eventually("fresh", lambda: found.look()["standing"]["kind"] == "fresh")
        assert len(found.sets) == 1
        changed = own_slice(namespace, "a", endpoint("10.1.9.1"), endpoint("10.1.9.2"))
        cluster.call("PUT", cluster.slice_path(namespace, "a"), changed)
        found.wait_hosts("10.1.9.1:10000", "10.1.9.2:10000")
    assert found.stopped_ms < 1000


def test_watch_expires(cluster: ControlPlane, namespace: str, find) -> None:
    """While hivegate can't reach the API server, that forgets the version watched from: it has
    restarted, and the real error of code 410 comes in a stream of status 200."""
    path = cluster.slice_path(namespace)
    made = cluster.call("POST", path, own_slice(namespace, "a", endpoint("10.1.9.1")))
    old = made["metadata"]["resourceVersion"]
    relay = Relay(cluster.port)
    with find(server=f"https://127.0.0.1:{relay.port}", retry_most_ms=500) as found:
        found.wait_hosts("10.1.9.1:10000")
        found.wait_standing("fresh")
        relay.close()
        found.wait_standing("stale")
        for number in range(2, 6):
            changed = own_slice(namespace, "a", endpoint(f"10.1.9.{number}"))
            cluster.call("PUT", cluster.slice_path(namespace, "a"), changed)
        cluster.stop_api_server()
        cluster.start_api_server()
        watch = f"{path}?watch=1&resourceVersion={old}&timeoutSeconds=1"
        assert b'"code":410' in cluster.call("GET", watch, raw=True)
        with Relay(cluster.port, port=relay.port):
            found.wait_hosts("10.1.9.5:10000")
            eventually("fresh", lambda: found.look()["standing"]["kind"] == "fresh")
    assert len(found.sets) == 2


def test_token_and_rights(
    cluster: ControlPlane, namespace: str, find, tmp_path: Path
) -> None:
    """No token, the account's own, and one that lacks a right; the file is read anew."""
    (tmp_path / "token").write_text("not.a.token")
    own = own_slice(namespace, "a", endpoint("10.1.9.1"))
    cluster.call("POST", cluster.slice_path(namespace), own)
    with find() as found:
        found.wait_standing("stale", "HTTP status 401")
        (tmp_path / "token").write_text(cluster.make_token(namespace))
        found.wait_hosts("10.1.9.1:10000")
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    cluster.call("POST", account, {"metadata": {"name": "stranger"}})
    (tmp_path / "token").write_text(cluster.make_token(namespace, "stranger"))
    with find() as found:
        found.wait_standing("stale", "needs list and watch on endpointslices")


def test_delay(cluster: ControlPlane, namespace: str, find, record_property) -> None:
    """How long it takes from the write of an EndpointSlice to the listener: told, not asserted."""
    path = cluster.slice_path(namespace)
    cluster.call("POST", path, own_slice(namespace, "a", endpoint("10.1.9.1")))
    delays = []
    with find() as found:
        found.wait_hosts("10.1.9.1:10000")
        for number in range(2, ROUNDS + 2):
            changed = own_slice(namespace, "a", endpoint(f"10.1.9.{number}"))
            begun = time.time()
            cluster.call("PUT", cluster.slice_path(namespace, "a"), changed)
            delays.append((found.wait_hosts(f"10.1.9.{number}:10000")["at"] - begun) * 1000)
    text = f"median {statistics.median(delays):.1f} ms, most {max(delays):.1f} ms of {ROUNDS}"
    record_property("delay_from_write_to_listener", text)
    print(f"\nfrom the beginning of an EndpointSlice's write to the listener: {text}")


def test_service_is_deleted(
    cluster: ControlPlane, kubelet: Kubelet, namespace: str, find
) -> None:
    cluster.make_service(namespace, "sts")
    cluster.make_deployment(namespace, "sts", 2)
    with find() as found:
        found.wait_set("two", all_ready(2))
        cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/services/sts")
        found.wait_hosts()
        eventually("no slices", lambda: not cluster.slices(namespace))
