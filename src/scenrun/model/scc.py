"""Strongly connected components of a graph of states (Tarjan, Depth-First Search and Linear Graph Algorithms, 1972)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def components(nodes: Iterable[Node], following: Callable[[Node], Sequence[Node]]) -> Iterator[list[Node]]:
    """Every strongly connected component, in reverse topological order: after all components that can be reached from it."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    for root in nodes:
        if root not in index:
            yield from _from(root, following, index, low, stack)


def _from(
    root: Node,
    following: Callable[[Node], Sequence[Node]],
    index: dict[Node, int],
    low: dict[Node, int],
    stack: list[Node],
) -> Iterator[list[Node]]:
    """The components reached from one node; `low` has only the nodes on the stack, which are in no complete component."""
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


def _popped(node: Node, stack: list[Node], low: dict[Node, int]) -> list[Node]:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    found = stack[at:]
    del stack[at:]
    for one in found:
        del low[one]
    return found


def bottoms(nodes: Iterable[Node], following: Callable[[Node], Sequence[Node]]) -> Iterator[list[Node]]:
    """The bottom components, which no edge leaves, except nodes without successors."""
    for component in components(nodes, following):
        inside = set(component)
        afters = [after for node in component for after in following(node)]
        if afters and all(after in inside for after in afters):
            yield component
