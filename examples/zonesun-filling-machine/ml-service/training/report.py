"""The table of `evaluate.py` in Markdown."""

from dataclasses import dataclass

import numpy as np

from .measure import Measured


@dataclass
class Row:
    form: str
    backend: str
    measured: Measured


def markdown(rows: list[Row], model_version: str, settings: str, difference: float) -> str:
    """One column for each run; ends with a newline."""
    lines = [
        "# What the detector is worth", "",
        "Written by `evaluate.py`; do not edit. The simulator lives on seeds that training has not seen; every record of a machine",
        "is one question, as the task's trigger says. The same lives are told in both formats. What the words mean stands below.", "",
        f"Model `{model_version}`; {settings}. Largest difference between the scores of the backends: {difference:.1e}.", "",
        "| | " + " | ".join(f"{row.form}, {row.backend}" for row in rows) + " |",
        "|---|" + "---|" * len(rows),
    ]
    for name, text in _FIGURES:
        lines.append(f"| {name} | " + " | ".join(text(row.measured) for row in rows) + " |")
    return "\n".join([*lines, "", *_WORDS, ""])


def _spread(values: np.ndarray) -> str:
    return f"{np.median(values):.1f} / {np.quantile(values, 0.95):.1f} / {values.max():.1f}"


_FIGURES = [
    ("machine-days", lambda m: f"{m.machine_days:.2f}"),
    ("questions: healthy / ill", lambda m: f"{m.healthy:,} / {m.ill:,}"),
    ("AUC", lambda m: f"{m.auc:.5f}"),
    ("AUC before the machine stopped itself", lambda m: f"{m.auc_before_stop:.5f}"),
    ("failures (error 42)", lambda m: str(m.failures)),
    ("alarm before the machine stopped itself", lambda m: f"{m.before_stop} of {m.failures}"),
    ("seconds from the first underfilled bottle to the alarm: median / 95 % / most", lambda m: _spread(m.delays)),
    ("seconds of warning before the first underfilled bottle: median / 5 % / least",
     lambda m: f"{np.median(m.warnings):.1f} / {np.quantile(m.warnings, 0.05):.1f} / {m.warnings.min():.1f}"),
    ("false alarms", lambda m: f"{m.false_alarms}"),
    ("false alarms a machine-day", lambda m: f"{m.false_alarms_a_day:.2f}"),
    ("nozzle named rightly when the machine stopped", lambda m: f"{m.named} of {m.failures}"),
]
_WORDS = [
    "- **Ill**: from 2 s after the first underfilled bottles were weighed (by then every format has told it) until the repaired",
    "  machine runs again. **Healthy**: all else, but for three stretches that belong to neither: the 240 s of running before, in",
    "  which the clog grows (alarms there are early, not false); the 15 s after a repair, in which the twin still shows the last",
    "  bottles of the ill machine; and the last 240 s of the run, whose clogs nobody has seen fail.",
    "- **Seconds to the alarm** are 0 where the alarm had been raised before the first underfilled bottle was weighed. They count",
    "  machine time up to the record that raises it, not the way through Kafka and back. Weighing is known to 0.4 s.",
    "- **False alarms** are flagged questions of healthy machines; those less than a minute apart count as one.",
    "- Truth comes from error codes, phases and `nozzles.blocked`, which the model never sees.",
]
