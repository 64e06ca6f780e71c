"""Paths of events (section 3.2) and the names of series."""

from .verdict import DeadLetter

THING, POLICY_ID, DEFINITION, ATTRIBUTES, ATTRIBUTE, FEATURES, FEATURE, FEATURE_DEFINITION, PROPERTIES, PROPERTY = range(10)

_cache = {}


def parse(path):
    """(resource, keys, the pointer text of each prefix); raises DeadLetter("path")."""
    found = _cache.get(path)
    if found is None:
        found = _parse(path)
        if len(_cache) > 50_000:
            _cache.clear()
        _cache[path] = found
    return found


def escape(key):
    """One segment as it stands in the name of a series; U+0000 is `~2` there."""
    if "~" in key or "/" in key or "\0" in key:
        return key.replace("~", "~0").replace("/", "~1").replace("\0", "~2")
    return key


def _parse(path):
    if path in ("", "/"):
        return THING, (), ("",)
    if "//" in path:
        raise DeadLetter("path")
    text = path[1:] if path.startswith("/") else path
    text = text[:-1] if text.endswith("/") else text
    keys = tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/"))
    if not all(keys):
        raise DeadLetter("path")
    prefixes = [""]
    for key in keys:
        prefixes.append(prefixes[-1] + "/" + escape(key))
    return _resource(keys), keys, tuple(prefixes)


def _resource(keys):
    count = len(keys)
    if keys[0] == "policyId" and count == 1:
        return POLICY_ID
    if keys[0] == "definition" and count == 1:
        return DEFINITION
    if keys[0] == "attributes":
        return ATTRIBUTES if count == 1 else ATTRIBUTE
    if keys[0] == "features":
        if count == 1:
            return FEATURES
        if count == 2:
            return FEATURE
        if keys[2] == "definition" and count == 3:
            return FEATURE_DEFINITION
        if keys[2] in ("properties", "desiredProperties"):
            return PROPERTIES if count == 3 else PROPERTY
    raise DeadLetter("path")
