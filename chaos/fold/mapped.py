"""What the processor `mapped` of chaos/topology.yaml does with an event: it emits a record, or nothing, or refuses it.

NAMESPACE and PATHS must be what `thing` and `keep` say there.
"""

from . import rules

NAMESPACE = "chaos.mapped"
PATHS = "/features/h/properties/"


def concerns(changes):
    """Whether an event that wrote or removed these paths is to be told of."""
    return any(path.startswith(PATHS) for path in changes)


def is_nameable(thing):
    """Whether what is told of the thing has a name: that of the thing, in a longer namespace, may be too long."""
    return rules.is_id(f"{NAMESPACE}:{thing.partition(':')[2]}")
