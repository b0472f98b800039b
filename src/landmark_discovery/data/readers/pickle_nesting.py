"""How deeply a pickle nests what it makes, found without making it.

Python hashes, prints and frees nested tuples by functions that call themselves: a megabyte that nests a million of them
ends the process, and a hundred bytes that nest thirty, each twice in the next, take hours.
"""

from __future__ import annotations

import pickle
import pickletools
from typing import Any

# A dict of lists of arrays, whose description is a tuple of tuples, has 7.
DEEPEST = 16
_PUTS, _GETS = ("PUT", "BINPUT", "LONG_BINPUT"), ("GET", "BINGET", "LONG_BINGET")
_IN_PLACE = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")


class Nesting:
    """Follow the operations of a pickle, with how deep each thing is in the place of the thing."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memory: dict[int, int] = {}

    def follow(self, operation: pickletools.OpcodeInfo, argument: Any) -> None:  # noqa: ANN401
        """Follow one operation.

        Raises:
            pickle.UnpicklingError: what it makes is nested too deeply, or it takes what isn't there.
        """
        try:
            self._follow(operation, argument)
        except LookupError as error:
            raise pickle.UnpicklingError(f"{operation.name} takes what isn't there") from error

    def _follow(self, operation: pickletools.OpcodeInfo, argument: Any) -> None:  # noqa: ANN401
        name, stack = operation.name, self._stack
        if name == "MARK":
            self._marks.append(len(stack))
            stack.append(0)
        elif name in _PUTS:
            self._memory[argument] = stack[-1]
        elif name == "MEMOIZE":
            self._memory[len(self._memory)] = stack[-1]
        elif name in _GETS:
            stack.append(self._memory[argument])
        else:
            taken = self._take(operation.stack_before)
            made = operation.stack_after
            if made:
                stack.extend([self._depth(name, taken)] * len(made))

    def _take(self, before: list[pickletools.StackObject]) -> list[int]:
        stack = self._stack
        if pickletools.markobject in before:
            start = self._marks.pop() - before.index(pickletools.markobject)
        else:
            start = len(stack) - len(before)
        if start < 0:
            raise LookupError
        taken = stack[start:]
        del stack[start:]
        # A mark may be taken as any other thing.
        while self._marks and self._marks[-1] >= start:
            self._marks.pop()
        return taken

    def _depth(self, name: str, taken: list[int]) -> int:
        if not taken:
            return 1
        depth = max(taken[0], 1 + max(taken[1:], default=0)) if name in _IN_PLACE else 1 + max(taken)
        if depth > DEEPEST:
            raise pickle.UnpicklingError(f"it nests more than {DEEPEST} things in one another")
        return depth
