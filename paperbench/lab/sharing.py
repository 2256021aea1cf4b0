"""What is prepared once and read by all: a dataset, a tokenised text.

Within a process a function marked `shared` is carried out once for the same arguments. The worker
processes of one call share more: the first that needs a value writes it to a file of their common
folder, and the others map its tensors into their memory, where they lie once.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import torch
from filelock import FileLock

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")
_folder: Path | None = None  # of this process; none: nothing is shared with others


def share_in(folder: Path | None) -> None:
    """From now on, share with every process that names this folder, which must be ours alone."""
    global _folder
    _folder = folder


def shared(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Carry `function` out once for the same hashable arguments, which can be pickled.

    Nobody may change the tensors that it returns: they are everyone's.
    """

    @cache
    @wraps(function)
    def once(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        if _folder is None:
            return function(*args, **kwargs)
        name = f"{function.__module__}.{function.__qualname__}"
        digest = hashlib.sha256(pickle.dumps((name, args, sorted(kwargs.items())))).hexdigest()
        path = _folder / f"{digest[:32]}.shared"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                partial = path.with_suffix(".partial")
                torch.save(function(*args, **kwargs), partial)
                partial.replace(path)
        # Written a moment ago by ourselves, in a folder that no other user may enter.
        return cast("Value", torch.load(path, mmap=True, weights_only=False))

    return cast("Callable[Arguments, Value]", once)
