"""What a comparison found."""


class Outcome:
    """How much of a projection is missing or wrong (lost), and how much is there too often (doubled)."""

    def __init__(self, checked=0, lost=0, doubled=0, examples=()):
        self.checked, self.lost, self.doubled = checked, lost, doubled
        self.examples = list(examples)

    def lose(self, count, example):
        self.lost += count
        self._note("lost", example)

    def double(self, count, example):
        self.doubled += count
        self._note("doubled", example)

    def add(self, other):
        self.checked += other.checked
        self.lost += other.lost
        self.doubled += other.doubled
        self.examples = (self.examples + other.examples)[:10]

    def _note(self, word, example):
        if len(self.examples) < 10:
            self.examples.append(f"{word}: {example}")
