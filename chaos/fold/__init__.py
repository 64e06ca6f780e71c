"""A fold of the log into twins and history, written from the specification of the Ditto Protocol alone.

It shares no code with the engine and nobody who wrote it has looked at the engine's fold: that is its whole worth.
"""
