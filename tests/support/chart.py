"""The chart charts/hivegate: rendered by Helm, and its pods' files laid out in a folder."""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .paths import CACHE, ROOT, SetupError

CHART = ROOT / "charts" / "hivegate"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
RELEASE = "demo"
NAME = "demo-hivegate"  # what the chart calls its objects then
NAMESPACE = "data"

Object = dict[str, Any]


class HelmFailed(Exception):
    """Helm refused; the text is what it said."""


def helm(*argv: str, config: Path | None = None) -> str:
    """Runs Helm; `config` is a kubeconfig, for what needs a cluster. What it printed."""
    program = CACHE / "chart" / "helm"
    if not program.exists():
        raise SetupError(f"no {program}; run: tools/setup chart")
    cluster = ["--kubeconfig", str(config)] if config else []
    done = subprocess.run([str(program), *argv, *cluster], capture_output=True, text=True)
    if done.returncode:
        raise HelmFailed(done.stderr)
    return done.stdout


def options(values: Mapping[str, Any] | Path | None, folder: Path | None = None) -> list[str]:
    """Helm's options for values: a file, or a dict, whose top keys are set one by one."""
    if values is None:
        return []
    if isinstance(values, Path):
        return ["-f", str(values)]
    return [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]


def render(*values: Mapping[str, Any] | Path | None, more: Sequence[str] = ()) -> list[Object]:
    """The objects that the chart makes of these values, the last of which count most."""
    argv = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, *more]
    for each in values:
        argv += options(each)
    return [one for one in yaml.safe_load_all(helm(*argv)) if one]


def pick(objects: list[Object], kind: str, name: str = NAME) -> Object:
    (found,) = (o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)
    return found


def kinds(objects: list[Object], kind: str) -> list[Object]:
    return [one for one in objects if one["kind"] == kind]


def pod_templates(objects: list[Object]) -> dict[str, Object]:
    """The templates of pods, by component."""
    found = {}
    for one in objects:
        template = one if one["kind"] == "Pod" else one.get("spec", {}).get("template")
        if template:
            found[template["metadata"]["labels"]["app.kubernetes.io/component"]] = template
    return found


def content(one: Object) -> dict[str, bytes]:
    """The files of a ConfigMap or Secret."""
    files = {key: text.encode() for key, text in one.get("stringData", {}).items()}
    for key, text in (one.get("data") or {}).items():
        files[key] = base64.b64decode(text) if one["kind"] == "Secret" else text.encode()
    return files


def lay_out(
    objects: list[Object], template: Object, root: Path, others: Mapping[str, Mapping[str, bytes]]
) -> None:
    """Makes the files that the pod's first container would find, below `root`. `others` are the
    Secrets and ConfigMaps that the chart expects to be there, by name."""
    made = {
        (one["kind"], one["metadata"]["name"]): content(one)
        for one in objects
        if one["kind"] in ("ConfigMap", "Secret")
    }
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    for mount in template["spec"]["containers"][0]["volumeMounts"]:
        volume = volumes.get(mount["name"], {})
        folder = root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if "secret" in volume:
            kind, name = "Secret", volume["secret"]["secretName"]
        elif "configMap" in volume:
            kind, name = "ConfigMap", volume["configMap"]["name"]
        else:
            continue
        files = made.get((kind, name)) or others.get(name)
        assert files is not None, f"{kind} {name} isn't made and nobody is told to make it"
        wanted = volume.get("secret", volume.get("configMap")).get("items")
        for item in wanted or [{"key": key, "path": key} for key in files]:
            path = folder / item["path"]
            path.write_bytes(files[item["key"]])
            path.chmod(0o600 if kind == "Secret" else 0o644)
