"""Tables, plots and the sections of RESULTS.md."""

import json
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from statistics import median

from harness.tools import HERE, ROOT


def machine(broker, library, postgres):
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*:\s*(.+)", info.read())
    with open("/proc/meminfo") as info:
        memory = int(re.search(r"MemTotal:\s+(\d+)", info.read()).group(1)) / 1024 / 1024
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), {memory:.0f} GiB, Linux "
            f"{platform.release().split('-')[0]}; {broker}, librdkafka {library}, PostgreSQL {postgres}, all on the same cores; "
            f"commit {commit or '?'}, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC.")


def table(outcomes):
    lines = ["| scenario | engine, events/s | yardstick | only reading | ratio | CPU µs an event, engine | yardstick | peak memory, MB | bytes a sample |",
             "|---|---|---|---|---|---|---|---|---|"]
    for one in outcomes:
        lines.append(
            f"| {one.scenario.name} | {median(one.engine):,.0f} | {median(one.yardstick):,.0f} | {median(one.reading):,.0f} "
            f"| **{one.ratio:.2f}** | {median(one.cpu):.2f} | {median(one.yardstick_cpu):.2f} | {max(one.memory) / 1e6:,.0f} | {one.sample_bytes:.1f} |")
        if one.python:
            lines.append(f"| … a careful Python consumer, rows without twins | {median(one.python):,.0f} | | | | | | | |")
    return "\n".join(lines)


def plot(outcomes, path, title):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "egiz"
    from matplotlib import pyplot

    names = [one.scenario.name for one in outcomes]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.55 * len(names)))
    series = [("only reading", "#c9c9c9", lambda o: o.reading), ("yardstick, C++", "#7d9fc2", lambda o: o.yardstick),
              ("egiz, exactly once", "#d95f30", lambda o: o.engine)]
    if any(one.python for one in outcomes):
        series.append(("Python", "#86a873", lambda o: o.python or [0]))
    height = 0.8 / len(series)
    for place, (label, colour, values) in enumerate(series):
        at = [row + place * height for row in range(len(names))]
        middle = [median(values(one)) / 1e6 for one in outcomes]
        axes.barh(at, middle, height, color=colour, label=label)
        for y, one, width in zip(at, outcomes, middle):
            axes.plot([min(values(one)) / 1e6, max(values(one)) / 1e6], [y, y], color="black", linewidth=0.7)
            if values(one) is one.engine:
                axes.text(width + 0.02, y, f"{one.ratio:.2f}", va="center", fontsize=8)
    axes.set_yticks([row + 0.3 for row in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("million events/s, median; the line is from the least to the most; the figure is the ratio to the yardstick")
    axes.set_title(title)
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def record(section, heading, body, facts=None):
    """Puts a section into RESULTS.md, over the one of the same name, and its figures into results/NAME.json."""
    path = os.path.join(HERE, "RESULTS.md")
    with open(path) as file:
        text = file.read()
    block = f"<!-- {section} -->\n## {heading}\n\n{body.strip()}\n<!-- /{section} -->\n"
    pattern = re.compile(rf"<!-- {section} -->\n.*?<!-- /{section} -->\n", re.S)
    text = pattern.sub(lambda _: block, text) if pattern.search(text) else text.rstrip() + "\n\n" + block
    with open(path, "w") as file:
        file.write(text)
    if facts is not None:
        os.makedirs(os.path.join(HERE, "results"), exist_ok=True)
        with open(os.path.join(HERE, "results", f"{section}.json"), "w") as file:
            json.dump(facts, file, indent=1, default=str)
            file.write("\n")
