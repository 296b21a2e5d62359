"""Where things are in this checkout. Everything that was downloaded is under .cache/."""

import hashlib
import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
BUILD = ROOT / "build"
JARS = CACHE / "jars"
RUN = CACHE / "run"

JAVA_VERSIONS = range(17, 22)  # what Spark 3.5 and 4.0 both run on


class SetupError(Exception):
    """Something that tools/setup installs isn't there."""


def site_packages() -> Path:
    """The packages of .cache/venv, whichever Python runs this."""
    for path in sorted((CACHE / "venv" / "lib").glob("python3*/site-packages")):
        return path
    raise SetupError("no Python environment in .cache/venv; run: tools/setup demo")


def spark_home(version: str = "3.5") -> Path:
    """The folder of the installed pyspark package, which is a whole Spark."""
    if version == "3.5":
        home, part = site_packages() / "pyspark", "demo"
    elif version == "4.0":
        home, part = CACHE / "spark-4.0" / "pyspark", "test"
    else:
        raise ValueError(f"no Spark {version} here, only 3.5 and 4.0")
    if not (home / "bin" / "spark-submit").exists():
        raise SetupError(f"no Spark {version} in {home}; run: tools/setup {part}")
    return home


def _is_usable_jdk(home: Path) -> bool:
    try:
        release = (home / "release").read_text()
    except OSError:
        return False
    match = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    if not match or int(match[1]) not in JAVA_VERSIONS:
        return False
    return (home / "bin" / "java").exists() and (home / "bin" / "javac").exists()


def java_home() -> Path:
    """A JDK 17 to 21, looked for in the same places and order as tools/setup does."""
    places = []
    if os.environ.get("JAVA_HOME"):
        places.append(Path(os.environ["JAVA_HOME"]))
    if java := shutil.which("java"):
        places.append(Path(java).resolve().parents[1])
    places += sorted(Path("/usr/lib/jvm").glob("java-17-openjdk-*"))
    for place in places:
        if _is_usable_jdk(place):
            return place
    raise SetupError("no JDK 17 to 21 found; run: tools/setup demo")


def java_build() -> str:
    """A short name for this very build of the JDK."""
    return hashlib.sha256((java_home() / "release").read_bytes()).hexdigest()[:10]
