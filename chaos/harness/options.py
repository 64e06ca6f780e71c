"""What a run is to do: from the environment, as `make chaos` passes it."""

import os
import random
from dataclasses import dataclass, field


def _text(name, default=""):
    return os.environ.get(name) or default


@dataclass
class Options:
    minutes: float = field(default_factory=lambda: float(_text("CHAOS_MINUTES", "10")))
    rate: int = field(default_factory=lambda: int(_text("CHAOS_RATE", "20000")))
    seed: int = field(default_factory=lambda: int(_text("CHAOS_SEED") or random.SystemRandom().randrange(10**6)))
    sabotage: str = field(default_factory=lambda: _text("CHAOS_SABOTAGE"))
    workers: int = field(default_factory=lambda: int(_text("CHAOS_WORKERS", "3")))
    machines: int = field(default_factory=lambda: int(_text("CHAOS_MACHINES", "3000")))
    partitions: int = field(default_factory=lambda: int(_text("CHAOS_PARTITIONS", "64")))
    faults_a_minute: float = field(default_factory=lambda: float(_text("CHAOS_FAULTS", "15")))
    # The share of rate * time that must have been processed for the run to count.
    least_share: float = field(default_factory=lambda: float(_text("CHAOS_LEAST_SHARE", "0.8")))
    session_timeout: float = field(default_factory=lambda: float(_text("CHAOS_SESSION_TIMEOUT", "3")))
    binaries: str = field(default_factory=lambda: _text("CHAOS_BIN", ".build/release"))
    brokers: str = field(default_factory=lambda: _text("EGIZ_KAFKA_BROKERS"))
    database: str = field(default_factory=lambda: _text("EGIZ_DATABASE_URL"))
    # Restarts the real broker, such as "docker restart kafka"; without it that fault is skipped.
    broker_command: str = field(default_factory=lambda: _text("CHAOS_BROKER_COMMAND"))
    keep: bool = field(default_factory=lambda: bool(_text("CHAOS_KEEP")))
    folder: str = field(default_factory=lambda: _text("CHAOS_FOLDER"))
