"""What can be wrong with one instance. Each becomes an error inside `predictions`, never a failed batch."""


class FeatureError(ValueError):
    """`code` is stable and part of the contract; `feature` names the culprit, or is None."""

    def __init__(self, code: str, message: str, feature: str | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.feature = feature
