"""One twin and what events make of it (sections 5 and 6)."""

from . import instant, pointer, rules
from .leaves import leaves, remove
from .merge import MISSING, merge
from .verdict import DeadLetter, Ignored


class Twin:
    """The state of one thing. `document` is None where it does not exist; revision 0 means it never did."""

    __slots__ = ("thing", "document", "revision", "time", "gaps", "missed", "resets", "origin")

    def __init__(self, thing):
        self.thing = thing
        self.document = None
        self.revision = 0
        self.time = None
        self.gaps = self.missed = self.resets = 0
        self.origin = None

    def apply(self, event, changes=None):
        """Folds an event; raises Ignored or DeadLetter, and then nothing of the twin has changed; drop `changes`.

        `changes` receives path -> value of every leaf written or removed (ABSENT).
        """
        is_creation = event.action == "created" and event.resource == pointer.THING
        is_reset = self._order(event, is_creation)
        if event.resource == pointer.THING:
            document = self._whole(event, changes)
        elif event.action == "merged":
            patch = event.value
            for key in reversed(event.keys):
                patch = {key: patch}
            document = self._merge(patch, changes)
        elif event.action == "deleted":
            document = self._delete(event, changes)
        else:
            document = self._put(event, changes)
        self._advance(event, document, is_reset, is_creation)

    def view(self):
        """The document as readers see it, with its revision; None where the thing is gone."""
        if self.document is None:
            return None
        return {"thingId": self.thing, **self.document, "_revision": self.revision}

    def _order(self, event, is_creation):
        if self.revision == 0:
            if not is_creation:
                raise Ignored("orphan")
            return False
        if event.revision == self.revision:
            raise Ignored("duplicate")
        if event.revision < self.revision:
            if (self.document is None and is_creation and event.time is not None and self.time is not None
                    and event.time > self.time):
                return True
            raise Ignored("stale")
        if self.document is None and not is_creation:
            raise Ignored("orphan")
        return False

    def _advance(self, event, document, is_reset, is_creation):
        if is_reset:
            self.resets += 1
        elif self.revision and event.revision > self.revision + 1:
            self.gaps += 1
            self.missed += event.revision - self.revision - 1
        if document is not None:
            if event.time is not None:
                document["_modified"] = instant.canonical(event.time)
            elif not is_creation:
                document.pop("_modified", None)
            _metadata(document, event, is_creation)
        self.document = document
        self.revision = event.revision
        self.time = event.time

    def _whole(self, event, changes):
        old = self.document
        if event.action == "deleted":
            if old is not None:
                _remove_thing(old, changes)
            return None
        if event.action == "created":
            return self._created(event, changes)
        if event.action == "merged":
            patch = {key: value for key, value in event.value.items()
                     if key not in ("_revision", "_modified", "_metadata")}
            return self._merge(patch, changes)
        if event.action == "migrated":
            return self._merge(event.value, changes)
        document = dict(old)
        for name in ("definition", "attributes", "features"):
            if name in event.value:
                if name in document:
                    remove(document[name], "/" + name, changes)
                document[name] = event.value[name]
                leaves(document[name], "/" + name, changes)
            elif name in document and not (name != "definition" and document[name] is None):
                remove(document.pop(name), "/" + name, changes)
        if "policyId" in event.value:
            document["policyId"] = event.value["policyId"]
            leaves(document["policyId"], "/policyId", changes)
        return document

    def _created(self, event, changes):
        if self.document is not None:
            _remove_thing(self.document, changes)
        document = {name: event.value[name] for name in rules.THING_MEMBERS if name in event.value}
        for name, value in document.items():
            leaves(value, "/" + name, changes)
        if event.time is not None:
            document["_created"] = instant.canonical(event.time)
        else:
            for name in ("_created", "_modified"):
                if name in event.value:
                    try:
                        document[name] = instant.canonical(instant.parse(event.value[name]))
                    except DeadLetter:
                        pass
        return document

    def _merge(self, patch, changes):
        old = self.document
        target = {name: value for name, value in old.items() if name not in ("_modified", "_metadata")}
        known = {name: value for name, value in patch.items()
                 if name in rules.THING_MEMBERS or name == "_created" or name.startswith("{{")}
        noted = None if changes is None else {}
        result = merge(known, target, "", noted)
        # A merged null has removed its member, so a null that is still there came with the state.
        document = rules.thing(result, "merge")
        if isinstance(result.get("_created"), str):
            try:
                document["_created"] = instant.canonical(instant.parse(result["_created"]))
            except DeadLetter:
                raise DeadLetter("merge") from None
        elif result.get("_created") is not None:
            raise DeadLetter("merge")
        if "_metadata" in old:
            document["_metadata"] = old["_metadata"]
        if changes is not None:
            for path, value in noted.items():
                if _is_kept(path):
                    changes[path] = value
        return document

    def _put(self, event, changes):
        keys, document = event.keys, self.document
        if keys[0] == "features" and len(keys) >= 3:
            features = document.get("features", MISSING)
            if features is None and event.resource == pointer.PROPERTY:
                return document
            if isinstance(features, dict) and features.get(keys[1], MISSING) is None:
                return document
        node = document
        for index, key in enumerate(keys[:-1]):
            child = node.get(key, MISSING)
            if type(child) is not dict:
                if child is not MISSING:
                    remove(child, event.prefixes[index + 1], changes)
                child = node[key] = {}
            node = child
        path = event.prefixes[-1]
        last = keys[-1]
        if last in node:
            remove(node[last], path, changes)
        node[last] = event.value
        leaves(event.value, path, changes)
        return document

    def _delete(self, event, changes):
        node = document = self.document
        for key in event.keys[:-1]:
            node = node.get(key) if type(node) is dict else None
        last = event.keys[-1]
        if type(node) is dict and last in node:
            if len(event.keys) == 1 and last in ("attributes", "features") and node[last] is None:
                return document
            remove(node.pop(last), event.prefixes[-1], changes)
        return document


def _remove_thing(document, changes):
    for name in rules.THING_MEMBERS:
        if name in document:
            remove(document[name], "/" + name, changes)


def _is_kept(path):
    """Whether a merged leaf is part of a thing: members that a thing does not have are dropped."""
    parts = path.split("/")
    if parts[1] in ("policyId", "definition"):
        return len(parts) == 2
    if parts[1] == "features" and len(parts) > 3:
        return parts[3] in rules.FEATURE_MEMBERS
    return parts[1] in ("attributes", "features")


def _metadata(document, event, is_creation):
    """Section 5.5."""
    if is_creation:
        metadata = event.metadata if event.metadata is not None else event.value.get("_metadata")
        if metadata is not None:
            document["_metadata"] = metadata
        return
    if event.metadata is not None:
        if not event.keys:
            document["_metadata"] = event.metadata
        else:
            _set(document.setdefault("_metadata", {}), event.keys, event.metadata)
    metadata = document.get("_metadata")
    if not isinstance(metadata, dict) or not event.keys:
        if isinstance(metadata, dict) and event.action == "merged":
            for key, value in event.value.items():
                if value is None:
                    metadata.pop(key, None)
        return
    if event.action == "deleted" or event.action == "merged" and event.value is None:
        _drop(metadata, event.keys)
    elif event.action == "merged":
        if isinstance(event.value, dict):
            for key, value in event.value.items():
                if value is None:
                    _drop(metadata, event.keys + (key,))
    elif event.resource != pointer.FEATURE_DEFINITION and (event.value is None or event.value == {}):
        _set(metadata, event.keys, {})


def _set(node, keys, value):
    for key in keys[:-1]:
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    node[keys[-1]] = value


def _drop(node, keys):
    for key in keys[:-1]:
        node = node.get(key)
        if not isinstance(node, dict):
            return
    node.pop(keys[-1], None)
