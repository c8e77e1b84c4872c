"""Strongly connected components of a graph of states (Tarjan, Depth-First Search and Linear Graph Algorithms, 1972)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

Following = Callable[[int], Sequence[int]]
"""The nodes after a node."""


def components(nodes: Iterable[int], following: Following) -> Iterator[list[int]]:
    """Every component, those first from which the later ones are not reached: a component comes after all it leads to."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    for root in nodes:
        if root not in index:
            yield from _from(root, following, index, low, stack)


def _from(
    root: int, following: Following, index: dict[int, int], low: dict[int, int], stack: list[int]
) -> Iterator[list[int]]:
    """The components that are found from one node; `low` has the nodes that are in none yet."""
    index[root] = low[root] = len(index)
    stack.append(root)
    path = [(root, iter(following(root)))]
    while path:
        node, rest = path[-1]
        for after in rest:
            if after not in index:
                index[after] = low[after] = len(index)
                stack.append(after)
                path.append((after, iter(following(after))))
                break
            if after in low:
                low[node] = min(low[node], index[after])
        else:
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == index[node]:
                yield _popped(node, stack, low)


def _popped(node: int, stack: list[int], low: dict[int, int]) -> list[int]:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    found = stack[at:]
    del stack[at:]
    for one in found:
        del low[one]
    return found


def bottoms(nodes: Iterable[int], following: Following) -> Iterator[list[int]]:
    """The components that cannot be left, except nodes without a way on."""
    for component in components(nodes, following):
        inside = set(component)
        afters = [after for node in component for after in following(node)]
        if afters and all(after in inside for after in afters):
            yield component
