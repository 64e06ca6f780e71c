"""What a run with a fault built in must have said, so that its exit status 1 is that fault's and no accident's."""

import re

# Two owners of a task whose epochs both count find numbers that cannot be, and end.
_EXPLAINED = {"no-fence": ("a worker ended by itself", "tasks did not catch up")}
_LINE = re.compile(r"^(?!  )([^:\n]+): (\d+) lost, (\d+) doubled \(of (\d+)\)$", re.MULTILINE)

# Word -> (whether one at least of the lines must have lost, or doubled; these lines; lines that must be 0 and 0 all the same).
# A zombie whose epoch is committed, and an epoch written twice, leave samples twice. A record that is jumped over is in no
# projection. Outboxes that are thrown away leave everything in the database as it should be.
REASONS = {
    "no-fence": ("doubled", ("history",), ()),
    "double-commit": ("doubled", ("history",), ("twins", "rollup", "dead letters", "counters", "log gaps")),
    "skip-offset": ("lost", ("counters",), ("log gaps",)),
    "drop-outbox": (
        "lost", ("emitted dlq", "emitted late", "emitted mapped", "emitted closed windows"),
        ("twins", "history", "rollup", "dead letters", "counters", "log gaps")),
}


def outcomes(output):
    """Line -> (lost, doubled, checked), as a run has printed them."""
    return {name: (int(lost), int(doubled), int(checked)) for name, lost, doubled, checked in _LINE.findall(output)}


def faults(word, status, output):
    """Why the run does not show that the sabotage is found; "" is a run of the same build without one. Empty where it does."""
    found, lines = [], outcomes(output)
    # That a run was too short, or a worker died, would be exit 1 for a reason of its own.
    for line in output.splitlines():
        if line.startswith("NOT ENOUGH: ") and not any(words in line for words in _EXPLAINED.get(word, ())):
            found.append(line)
    if not lines:
        return found + ["the run did not come to its comparison"]
    wanted = 1 if word else 0
    if status != wanted:
        found.append(f"exit status {status} instead of {wanted}")
    if not word:
        return found + [f"{name}: {line[0]} lost, {line[1]} doubled" for name, line in lines.items() if line[0] or line[1]]
    kind, guilty, innocent = REASONS[word]
    if not any(lines.get(name, (0, 0))[("lost", "doubled").index(kind)] for name in guilty):
        found.append(f"nothing {kind} in {' or '.join(guilty)}")
    for name in innocent:
        if name not in lines:
            found.append(f"{name} was not compared")
        elif lines[name][0] or lines[name][1]:
            found.append(f"{name}: {lines[name][0]} lost, {lines[name][1]} doubled, which this fault does not explain")
    return found
