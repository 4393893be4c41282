"""Writes both lock files again from pyproject.toml: `python3 requirements/relock.py [--upgrade]`.

Strategy: pip-tools (which must be installed, in whatever environment runs this) resolves on the
oldest Python we support, because there every backport is needed; on newer ones the extra package is
harmless. Hashes of every platform's wheels are kept, and nothing that names a registry: a lock must
mean the same anywhere. guided.lock is kept by hand (docs/decisions/013-guided-fuzzing.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = (3, 11)
OPTIONS = [
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--strip-extras",
    "--quiet",
]


def compile_lock(requirements: list[str], lock: Path, extra: list[str]) -> None:
    """Resolve `requirements` into `lock`, from the default index alone, whatever pip is configured
    to.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {
        name: os.environ[name] for name in ("PIP_CERT", "PIP_PROXY") if name in os.environ
    }
    environment["PIP_CONFIG_FILE"] = os.devnull
    command = [
        sys.executable,
        "-m",
        "piptools",
        "compile",
        *OPTIONS,
        *extra,
        "--output-file",
        lock.name,
        "-",
    ]
    subprocess.run(
        command, input="\n".join(requirements), text=True, cwd=HERE, env=environment, check=True
    )
    text = lock.read_text(encoding="utf-8").replace("-r -", "pyproject.toml")
    if "://" in text:
        sys.exit(f"{lock.name} names a place: remove it by hand or fix the options of pip-compile")
    lock.write_text(text, encoding="utf-8")


def main() -> None:
    """Compile runtime.lock, then dev.lock with the same versions plus the development tools."""
    if sys.version_info[:2] != OLDEST:
        sys.exit("relock.py must run on Python {}.{}, the oldest supported".format(*OLDEST))
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    runtime: list[str] = project["project"]["dependencies"]
    tools: list[str] = project["dependency-groups"]["dev"]
    compile_lock(runtime, HERE / "runtime.lock", sys.argv[1:])
    compile_lock(
        [*runtime, *tools], HERE / "dev.lock", ["--constraint", "runtime.lock", *sys.argv[1:]]
    )


if __name__ == "__main__":
    main()
