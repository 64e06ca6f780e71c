"""What a thing may hold (section 4)."""

import re
from urllib.parse import urlsplit

from .verdict import DeadLetter

_NAMESPACE = re.compile(r"(?:[A-Za-z]\w*(?:[.-][A-Za-z]\w*)*)?", re.ASCII)
_NAME = re.compile("[^/\u0000-\u001f\u007f-\u00ff]+")
_DEFINITION = re.compile(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+")
THING_MEMBERS = ("policyId", "definition", "attributes", "features")
FEATURE_MEMBERS = ("definition", "properties", "desiredProperties")


def is_id(text):
    if not isinstance(text, str):
        return False
    namespace, colon, name = text.partition(":")
    return (
        bool(colon) and len(text.encode("utf-16-le")) <= 512
        and _NAMESPACE.fullmatch(namespace) is not None and _NAME.fullmatch(name) is not None)


def is_definition(value):
    if not isinstance(value, str):
        return False
    if _DEFINITION.fullmatch(value):
        return True
    if not value.lower().startswith(("http://", "https://")):
        return False
    try:
        return bool(urlsplit(value).hostname)
    except ValueError:
        return False


def is_section(value):
    return value is None or isinstance(value, dict)


def is_feature_definition(value):
    return isinstance(value, list) and bool(value) and all(is_definition(item) for item in value)


def feature(value, reason):
    """A feature with its known members only."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise DeadLetter(reason)
    result = {key: value[key] for key in FEATURE_MEMBERS if key in value}
    definition = result.get("definition")
    if definition is not None and not is_feature_definition(definition):
        raise DeadLetter(reason)
    if not is_section(result.get("properties")) or not is_section(result.get("desiredProperties")):
        raise DeadLetter(reason)
    return result


def features(value, reason):
    if value is None:
        return None
    if not isinstance(value, dict):
        raise DeadLetter(reason)
    return {key: feature(item, reason) for key, item in value.items()}


def thing(value, reason):
    """The members of a whole thing that count: those of the table, unknown ones dropped."""
    result = {}
    if value.get("policyId") is not None:
        if not is_id(value["policyId"]):
            raise DeadLetter(reason)
        result["policyId"] = value["policyId"]
    if "definition" in value:
        if value["definition"] is not None and not is_definition(value["definition"]):
            raise DeadLetter(reason)
        result["definition"] = value["definition"]
    if "attributes" in value:
        if not is_section(value["attributes"]):
            raise DeadLetter(reason)
        result["attributes"] = value["attributes"]
    if "features" in value:
        result["features"] = features(value["features"], reason)
    return result
