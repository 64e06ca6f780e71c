#!/usr/bin/env python3
"""Counts the instructions of each hot path with callgrind and compares them with the baseline.

    make instructions             fails where one needs over 5% more than benchmarks/instructions/baseline.tsv says
    make instructions-accept      takes the present counts as the baseline

Counts do not depend on the machine: simdjson and glibc are told which of their variants to use, hashes are not seeded, and
valgrind's processor is the same everywhere. They do depend on compiler, C library and simdjson, which the baseline names.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline.tsv")
SLACK = 0.05
REGION = "*measuredRegionBody*"

FIXED = {
    # The variants that every x86-64 of the last fifteen years has.
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX_Fast_Unaligned_Load,-BMI2,-ERMS,-FSRM,-RTM,"
                      "-MOVBE,-LZCNT",
    "SWIFT_DETERMINISTIC_HASHING": "1",
    "PATH": os.environ.get("PATH", ""),
    "LC_ALL": "C",
}


def count(program, name, folder):
    """Instructions for each event, twin or segment."""
    out = os.path.join(folder, f"{name}.out")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={REGION}", f"--callgrind-out-file={out}",
         program, name], env=FIXED, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"instructions: {name} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    events = int(done.stdout.strip().splitlines()[-1])
    with open(out) as text:
        total = next(int(line.split()[1]) for line in text if line.startswith("totals:"))
    if total < events:
        raise SystemExit(f"instructions: {name}: callgrind counted {total} instructions; is measuredRegionBody still a function?")
    return total / events


def toolchain():
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"Swift version (\S+)", swift)
    library = subprocess.run(["dpkg-query", "--show", "--showformat=${Version}", "libsimdjson-dev"], capture_output=True,
                             text=True).stdout if os.path.exists("/usr/bin/dpkg-query") else ""
    return (f"Swift {version.group(1) if version else '?'}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}, "
            f"simdjson {library or '?'}, {platform.machine()}")


def read_baseline():
    made_with, figures = "", {}
    if os.path.exists(BASELINE):
        with open(BASELINE) as file:
            for line in file:
                if line.startswith("# made with "):
                    made_with = line[12:].strip()
                elif line.strip() and not line.startswith("#"):
                    name, instructions = line.split()[:2]
                    figures[name] = float(instructions)
    return made_with, figures


def write_baseline(results, made_with):
    with open(BASELINE, "w") as file:
        file.write("# Instructions of each hot path, per event (close-epoch: per twin, segment-copy: per segment).\n"
                   "# Written by `make instructions-accept`; `make instructions` fails where one needs over 5% more instructions.\n"
                   f"# made with {made_with}\n")
        for name, instructions in results.items():
            file.write(f"{name}\t{instructions:.1f}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--accept", action="store_true", help="write the baseline instead of comparing with it")
    parser.add_argument("--only", metavar="NAME", help="one hot path")
    parser.add_argument("--keep", metavar="FOLDER", help="leave callgrind's files there, for callgrind_annotate")
    chosen = parser.parse_args()
    if platform.machine() != "x86_64":
        print(f"instructions: not compared on {platform.machine()}: the baseline is of x86_64")
        return
    names = subprocess.run([chosen.program], capture_output=True, text=True, check=True).stdout.split()
    if chosen.only:
        names = [name for name in names if name == chosen.only] or sys.exit(f"instructions: no hot path {chosen.only}")
    made_with, baseline = read_baseline()
    here = toolchain()
    results, worse, better = {}, [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or scratch
        os.makedirs(folder, exist_ok=True)
        # Debian 12's valgrind gives up on the debug information of Swift 6; the names of functions stay.
        program = os.path.join(scratch, "egiz-instructions")
        subprocess.run(["strip", "--strip-debug", "-o", program, chosen.program], check=True)
        print(f"{'hot path':28}{'instructions':>13}{'baseline':>10}{'change':>9}")
        for name in names:
            results[name] = now = count(program, name, folder)
            before = baseline.get(name)
            change = now / before - 1 if before else None
            print(f"{name:28}{now:13.1f}{before or 0:10.1f}{'new' if change is None else f'{change:+.1%}':>9}")
            if change is None or change > SLACK:
                worse.append((name, before, now, change))
            elif change < -SLACK:
                better.append(name)
    if chosen.accept:
        if chosen.only:
            sys.exit("instructions: --accept takes all hot paths")
        write_baseline(results, here)
        print(f"instructions: {BASELINE} written")
        return
    gone = [] if chosen.only else sorted(set(baseline) - set(names))
    for name, before, now, change in worse:
        if change is None:
            print(f"instructions: {name} has no baseline")
        else:
            print(f"instructions: {name} needs {now:.0f} instructions, {change:+.1%} against {before:.0f}; at most +{SLACK:.0%} is free")
    for name in gone:
        print(f"instructions: {name} is in the baseline and not measured any more")
    if better:
        print(f"instructions: better than the baseline: {', '.join(better)}; `make instructions-accept` keeps it so")
    if worse or gone:
        if made_with and made_with != here:
            print(f"instructions: the baseline was made with {made_with}, this is {here}")
        print("instructions: make it faster, or, where it is worth it, `make instructions-accept` and say why in the commit")
        sys.exit(1)
    print(f"instructions: {len(names)} hot paths within {SLACK:.0%} of the baseline")


if __name__ == "__main__":
    main()
