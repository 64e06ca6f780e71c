"""The shape of a projection or output: what the log says, what the engine made of it, and the difference."""


class Task:
    """One partition of one stage, with the file of its recorded log."""

    def __init__(self, stage, topic, partition, format, path):
        self.stage, self.topic, self.partition, self.format, self.path = stage, topic, partition, format, path


class Projection:
    """`expected` reads a TaskFold, `actual` the database (or the recorder), `compare` returns an Outcome."""

    name = ""

    def is_there(self, database):
        """False where this build or topology does not have the projection."""
        return True

    def prepare(self, database):
        """Called once, before any task is compared."""

    def expected(self, fold, task):
        raise NotImplementedError

    def actual(self, database, task):
        raise NotImplementedError

    def compare(self, expected, actual):
        raise NotImplementedError

    def strays(self, database):
        """An Outcome of rows that belong to no task at all, or None."""
        return None
