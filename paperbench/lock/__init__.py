"""What every claim said when it was locked, so that a later change is seen and refused."""

from paperbench.lock.compare import Difference, differences, require_as_locked
from paperbench.lock.lock_file import Contents, lock_path, lock_text, read_lock

__all__ = [
    "Contents",
    "Difference",
    "differences",
    "lock_path",
    "lock_text",
    "read_lock",
    "require_as_locked",
]
