"""Every projection and output that is compared. A new one is a class in this folder and a line here."""

import os

from chaos.projections.closed import Closed
from chaos.projections.counters import Counters
from chaos.projections.dead_letters import DeadLetters
from chaos.projections.emitted import OUTPUTS, Emitted
from chaos.projections.history import History
from chaos.projections.rollup import Rollup
from chaos.projections.twins import Twins

_IS_EMBEDDED = not os.environ.get("EGIZ_KAFKA_BROKERS")

PROJECTIONS = (Twins(), History(), Rollup(), DeadLetters(), Counters(), Closed(drops_repeats=_IS_EMBEDDED)) + tuple(
    Emitted(suffix, expect, drops_repeats=_IS_EMBEDDED) for suffix, expect in OUTPUTS.items())
