"""What becomes of a record that is not applied."""


class NotApplied(Exception):
    """Raised by the decoders and the twin; `reason` is the code of the specification."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class DeadLetter(NotApplied):
    """The record can never be applied; it is stored with its reason."""


class Ignored(NotApplied):
    """The record is none of ours, or too late; it is only counted."""
