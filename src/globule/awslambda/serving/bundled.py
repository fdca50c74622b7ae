"""The packages that AWS's Python runtimes bring along, as a folder of their own.

Functions run without this machine's site-packages: a package that only happens to be installed here would be missing
on AWS. The folder holds links to boto3 and what it needs, as they are installed for Globule.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
from pathlib import Path

from globule.awslambda.runtimes.python_runtime import BUNDLED

# Imported before the first fork, so that a cold start does not have to: boto3, and what it imports when the first
# client and the first resource are made.
PRELOADED = (
    "boto3.session",
    "boto3.dynamodb.conditions",
    "boto3.dynamodb.transform",
    "boto3.dynamodb.types",
    "boto3.resources.factory",
    "botocore.client",
    "botocore.endpoint",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.regions",
    "botocore.retries.standard",
    "botocore.signers",
    "botocore.waiter",
    "concurrent.futures.thread",
    "decimal",
    "uuid",
)


def link_bundled(folder: Path) -> Path:
    """Make the folder anew, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        _remove(entry)
    for name in BUNDLED:
        with contextlib.suppress(ImportError):
            specification = importlib.util.find_spec(name)
            if specification is not None and specification.origin is not None:
                source = Path(specification.origin)
                source = source.parent if source.name == "__init__.py" else source
                (folder / source.name).symlink_to(source)
    return folder


def _remove(entry: Path) -> None:
    """A link, or what Python has cached beside modules that are single files."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink()
