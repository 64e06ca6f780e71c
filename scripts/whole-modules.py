#!/usr/bin/env python3
"""Checks that our modules also compile whole, as a release build compiles them: what a file may see then differs (a library that one
file imports may bring another home of `timespec` to all of them), and a release build takes too long to be made for each change.

    scripts/whole-modules.py        after `swift build --build-tests`; takes the modules and flags that it used

Exits with 1 where one does not, and prints the compiler's errors.
"""
import glob
import json
import os
import re
import subprocess
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
#: Of the build's own command: what writes files, or compiles file by file. The true ones have a value.
LEFT_OUT = {
    "-emit-dependencies": False, "-emit-module": False, "-emit-module-path": True, "-output-file-map": True, "-incremental": False, "-c": False,
    "-enable-batch-mode": False, "-serialize-diagnostics": False, "-index-store-path": True, "-emit-objc-header": False, "-emit-objc-header-path": True,
    "-enable-testing": False, "-parseable-output": False,
}


def commands():
    """Name and arguments of the compiler, of each module below Sources/."""
    if not os.path.exists(".build/debug.yaml"):
        sys.exit("whole-modules: .build/debug.yaml is not there; run 'swift build --build-tests' first")
    names = {os.path.basename(folder) for folder in glob.glob("Sources/*") if glob.glob(f"{folder}/**/*.swift", recursive=True)}
    found = {}
    with open(".build/debug.yaml") as file:
        for line in file:
            match = re.match(r'\s+args: (\["[^"]*/swiftc","-module-name","([^"]+)".*\])\s*$', line)
            if match and match[2] in names:
                found[match[2]] = json.loads(match[1])
    missing = names - found.keys()
    if missing:
        sys.exit(f"whole-modules: the build has no command for {', '.join(sorted(missing))}")
    return sorted(found.items())


def whole(arguments):
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in LEFT_OUT:
            skip = LEFT_OUT[argument]
        else:
            kept.append(argument)
    return kept + ["-typecheck", "-whole-module-optimization"]


bad = []
for name, arguments in commands():
    done = subprocess.run(whole(arguments), capture_output=True, text=True)
    if done.returncode != 0:
        bad.append(name)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
        print("\n".join(sorted(set(lines))[:20]) or done.stderr[-2000:])
print(f"whole-modules: {', '.join(bad)} cannot be compiled whole" if bad else "whole-modules: all of ours can be compiled whole")
sys.exit(1 if bad else 0)
