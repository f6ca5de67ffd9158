"""What a NIR graph is made of: its layers in order, and the ways between them.

A layer is a neuron node, or a sum: where currents meet before an operation, or part after one. The output is one, too,
unless it is what a neuron sends. A way leads from a layer, or the input, through operations to a layer.
"""

import warnings
from collections import Counter
from dataclasses import dataclass

from .neurons import KINDS as NEURONS
from .operations import DELAY, READERS
from .package import kept, kind_of, package

LARGEST_DEPTH, LARGEST_NODES, LARGEST_EDGES = 8, 2048, 8192
SUM = None


@dataclass(frozen=True)
class Way:
    """From node `source` through the nodes of `operations` into node `target`."""

    source: str
    target: str
    operations: tuple


@dataclass(frozen=True)
class Structure:
    """Nodes by name (of a sum that the graph does not name: None), layers in order, ways in the order of the edges."""

    nodes: dict
    input: str
    layers: tuple
    ways: tuple


def structure_of(graph):
    """The structure; ValueError that names a node that ottt_ref has nothing for, or that does not fit in a row."""
    nodes, edges, start, end = _unfold(graph)
    _require_once(edges)
    _require_linked(nodes, edges, start, end)
    ways = _ways(nodes, _with_sums(nodes, edges))
    last = [way for way in ways if way.target == end]
    if len(last) == 1 and not last[0].operations and last[0].source != start:
        ways.remove(last[0])
        end = last[0].source
    order = _order(nodes, ways, start)
    if order[-1] != end:
        raise ValueError(f"the output must come from the last layer, {order[-1]!r}, got {end!r}")
    return Structure(nodes, start, tuple(order), tuple(ways))


def _unfold(graph, prefix="", depth=1, room=None):
    """Nodes and edges with those of graphs inside, and the names of input and output.

    room  a list of one number: how many nodes may still come, of all graphs together
    """
    room = [LARGEST_NODES] if room is None else room
    if depth > LARGEST_DEPTH:
        raise ValueError(f"graphs must be nested at most {LARGEST_DEPTH} deep, got more in {prefix[:-1]!r}")
    room[0] -= len(graph.nodes)
    if room[0] < 0 or len(graph.edges) > LARGEST_EDGES:
        raise ValueError(f"a graph must have at most {LARGEST_NODES} nodes and {LARGEST_EDGES} edges, got more")
    nodes, edges, ends = {}, _edges(graph, prefix), {}
    for name, node in graph.nodes.items():
        if isinstance(node, package().NIRGraph):
            inner, inner_edges, *ends[prefix + name] = _unfold(node, f"{prefix}{name}.", depth + 1, room)
            edges += inner_edges
        else:
            inner = {prefix + name: node}
        if set(inner) & set(nodes):
            raise ValueError(f"nodes must have names of their own, got {sorted(set(inner) & set(nodes))[0]!r} twice")
        nodes |= inner
    edges = [(ends.get(a, (a, a))[1], ends.get(b, (b, b))[0]) for a, b in edges]
    for inside in (name for both in ends.values() for name in both):
        edges = _without(inside, edges)
        del nodes[inside]
    if len(edges) > LARGEST_EDGES:
        raise ValueError(f"a graph must have at most {LARGEST_NODES} nodes and {LARGEST_EDGES} edges, got more")
    return nodes, edges, *(_only(graph, kind, prefix) for kind in ("Input", "Output"))


def _edges(graph, prefix):
    """The edges, with names that lead from the outside in.

    In the nested Braille graphs of the NIR paper, the edges say "lif" of the node that is called "lif1". So where the
    edges name one node that there is not, and one node has no edge, they mean that one.
    """
    called = {name: name for name in graph.nodes}
    missing = dict.fromkeys(name for edge in graph.edges for name in edge if name not in called)
    unused = called.keys() - {name for edge in graph.edges for name in edge}
    if len(missing) == len(unused) == 1:
        (wrong,), (right,) = missing, unused
        warnings.warn(f"edges name {prefix + wrong!r}, which there is not: taken for {prefix + right!r}", stacklevel=2)
        called[wrong] = right
    for edge in graph.edges:
        for name in edge:
            if name not in called:
                raise ValueError(f"edges must join nodes that there are, got {prefix + name!r} in {tuple(edge)}")
    return [(prefix + called[a], prefix + called[b]) for a, b in graph.edges]


def _require_once(edges):
    twice = [edge for edge, times in Counter(edges).items() if times > 1]
    if twice:
        raise ValueError(f"edges must join each two nodes once, got {twice[0]} twice")


def _only(graph, kind, prefix):
    names = [prefix + name for name, node in graph.nodes.items() if kind_of(node) == kind]
    if len(names) != 1:
        where = f"graph {prefix[:-1]!r}" if prefix else "the graph"
        raise ValueError(f"{where} must have one {kind} node, got {names}")
    return names[0]


def _without(name, edges):
    """The edges that lead past a node, of every two that met in it."""
    onwards = [b for a, b in edges if a == name]
    if name in onwards:
        raise ValueError(f"node {name!r} must lie between neurons, input and output, got a loop of wires alone")
    result = []
    for a, b in edges:
        result += [(a, after) for after in onwards] if b == name else [(a, b)] if a != name else []
        if len(result) > LARGEST_EDGES:
            raise ValueError(f"a graph must have at most {LARGEST_EDGES} edges, got more at node {name!r}")
    return result


def _require_linked(nodes, edges, start, end):
    known = ("Input", "Output", *NEURONS, *READERS, DELAY)
    entered, left = {b for _, b in edges}, {a for a, _ in edges}
    for name, node in nodes.items():
        if kind_of(node) not in known:
            raise ValueError(f"node {name!r} must be one of {', '.join(known)}, got {kind_of(node)}")
        if (name in entered) == (name == start):
            raise ValueError(f"node {name!r} must be entered by {'nothing' if name == start else 'an edge'}")
        if (name in left) == (name == end):
            raise ValueError(f"node {name!r} must be left by {'nothing' if name == end else 'an edge'}")


def is_sum(node):
    """Whether it stands for a sum of currents: one that the graph does not name, or a Scale that ottt_ref wrote so."""
    return node is SUM or (kind_of(node) == "Scale" and kept(node).get("sum") is True)


def _is_operation(node):
    return not is_sum(node) and kind_of(node) in (*READERS, DELAY)


def _with_sums(nodes, edges):
    """The edges with a sum before each operation where edges meet and one after each where they part.

    The sums join `nodes`.
    """
    entering, leaving = Counter(b for _, b in edges), Counter(a for a, _ in edges)
    operations = [name for name, node in nodes.items() if _is_operation(node)]
    before = {name: _new_sum(f"{name}.before", nodes) for name in operations if entering[name] > 1}
    after = {name: _new_sum(f"{name}.after", nodes) for name in operations if leaving[name] > 1}
    joined = [(after.get(a, a), before.get(b, b)) for a, b in edges]
    return joined + [(total, name) for name, total in before.items()] + list(after.items())


def _new_sum(name, nodes):
    if name in nodes:
        raise ValueError(f"nodes must have names of their own, got {name!r}, which stands for a sum here")
    nodes[name] = SUM
    return name


def _ways(nodes, edges):
    """From layer to layer: between them, each operation has one edge in and one out."""
    entering = {b: a for a, b in edges}
    ways = []
    for source, target in edges:
        if _is_operation(nodes[target]):
            continue
        operations = []
        while _is_operation(nodes[source]):
            operations.append(source)
            source = entering[source]
        ways.append(Way(source, target, tuple(reversed(operations))))
    passed = {name for way in ways for name in way.operations}
    for name, node in nodes.items():
        if _is_operation(node) and name not in passed:
            raise ValueError(
                f"node {name!r} must lie between neurons, input and output, got a loop of operations alone"
            )
    return ways


def _order(nodes, ways, start):
    """The layers: as ottt_ref kept it, or the only order in which each takes something from the one before."""
    names = list(dict.fromkeys(way.target for way in ways))
    numbers = [_number(nodes[name], len(names)) for name in names]
    if set(numbers) == set(range(len(names))):
        return [names[numbers.index(l)] for l in range(len(names))]
    links = {(way.source, way.target) for way in ways if way.source != way.target}
    links -= _closing(links, names, start)
    missing = Counter(b for _, b in links)
    order, ready = [], [start]
    while ready:
        if len(ready) > 1:
            raise ValueError(f"layers must be in a row, each fed by the one before, got {sorted(ready)} side by side")
        order.append(ready.pop())
        for b in (b for a, b in links if a == order[-1]):
            missing[b] -= 1
            ready += [b] if missing[b] == 0 else []
    if len(order) <= len(names):
        raise ValueError(
            f"loops must be entered at one layer, which the last of their spikes reach a time step later, got one with "
            f"several ways in among {sorted(set(names) - set(order))}"
        )
    return order[1:]


def _number(node, count):
    if node is SUM:
        return None
    number = count - 1 if kind_of(node) == "Output" else kept(node).get("layer")
    return number if isinstance(number, int) else None


def _closing(links, names, start):
    """The links that close a loop: every way from the input to their source leads through their target."""
    onwards = {name: [b for a, b in links if a == name] for name in (start, *names)}
    unreached = set(names) - _reached(start, onwards)
    if unreached:
        raise ValueError(f"node {sorted(unreached)[0]!r} must be reached from the input")
    closing = set()
    for target in names:
        reached = _reached(start, onwards, without=target)
        closing |= {(name, target) for name in names if name not in reached and target in onwards[name]}
    return closing


def _reached(start, onwards, without=None):
    reached, waiting = {start}, [start]
    while waiting:
        for name in onwards[waiting.pop()]:
            if name not in reached and name != without:
                reached.add(name)
                waiting.append(name)
    return reached
