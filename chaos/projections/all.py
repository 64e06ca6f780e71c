"""Every projection and output that is compared. A new one is a class in this folder and a line here."""

from chaos.projections.counters import Counters
from chaos.projections.dead_letters import DeadLetters
from chaos.projections.history import History
from chaos.projections.twins import Twins

PROJECTIONS = (Twins(), History(), DeadLetters(), Counters())
