"""Folds every partition and compares it with the database, on all cores."""

import gc
import multiprocessing
import os

import psycopg
from psycopg.adapt import Loader

from chaos.fold.task_fold import TaskFold
from chaos.projections import order
from chaos.projections.all import PROJECTIONS
from chaos.projections.outcome import Outcome


class _Raw(Loader):
    """Leaves a binary array as its bytes."""

    format = psycopg.pq.Format.BINARY

    def load(self, data):
        return bytes(data)


def connect(url):
    database = psycopg.connect(url, options="-c timezone=UTC")
    for name in ("timestamptz[]", "float8[]", "text[]"):
        database.adapters.register_loader(psycopg.adapters.types[name.removesuffix("[]")].array_oid, _Raw)
    return database


def compare_task(job):
    """The outcomes by projection, and the counters of the fold, of one task."""
    url, task = job
    # Millions of tuples that form no cycles: looking through them again and again took longer than folding.
    gc.disable()
    fold = TaskFold(task.path, task.format)
    outcomes = {}
    with connect(url) as database:
        for projection in PROJECTIONS:
            if projection.is_there(database):
                outcomes[projection.name] = projection.compare(
                    projection.expected(fold, task), projection.actual(database, task))
    return outcomes, {**fold.counters, "refused": fold.refused}


def compare_all(url, tasks):
    """(outcomes by projection, summed counters of the fold)."""
    sums, counters = {}, {}
    with connect(url) as database:
        for projection in PROJECTIONS:
            if projection.is_there(database):
                projection.prepare(database)
    with multiprocessing.get_context("spawn").Pool(max(1, os.cpu_count() or 1), maxtasksperchild=16) as pool:
        for outcomes, counted in pool.imap_unordered(compare_task, [(url, task) for task in tasks]):
            for name, outcome in outcomes.items():
                sums.setdefault(name, Outcome()).add(outcome)
            for name, count in counted.items():
                counters[name] = counters.get(name, 0) + count
        sums[order.NAME] = Outcome()
        for outcome in pool.imap_unordered(order.check, order.outputs(tasks)):
            sums[order.NAME].add(outcome)
    with connect(url) as database:
        for projection in PROJECTIONS:
            if projection.is_there(database):
                strays = projection.strays(database)
                if strays is not None:
                    sums[projection.name].add(strays)
    return sums, counters
