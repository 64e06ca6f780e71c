public import EgizCore
import Synchronization

/// What one stream thread is doing, for `/readyz`, metrics and the live line. Safe from any thread.
public final class StageStatus: Sendable {
    /// What a thread can be waiting for; each is reported by itself.
    public enum Part: String, Sendable, CaseIterable { case log, group, store, commit, output, parking }

    public enum State: Sendable, Equatable {
        case starting
        case running
        /// Infrastructure is away; it goes on by itself.
        case waiting(String)
        case failed(String)
        case stopped
    }

    public struct Snapshot: Sendable {
        public var stage: StageName
        public var thread: Int
        public var state: State
        public var partitions: [Int32] = []
        /// Records processed and committed by this thread since it started.
        public var records: Int64 = 0
        public var samples: Int64 = 0
        public var deadLetters: Int64 = 0
        public var commits: Int64 = 0
        /// How long the last commit took, and when it was done.
        public var lastCommitDuration: Duration?
        public var lastCommit: ContinuousClock.Instant?
        /// Records between the committed positions and the ends of the log as last seen.
        public var lag: Int64 = 0
    }

    private struct Inner {
        var snapshot: Snapshot
        var base: State = .starting
        var waits: [Part: String] = [:]
    }

    private let inner: Mutex<Inner>

    init(stage: StageName, thread: Int) {
        inner = Mutex(Inner(snapshot: Snapshot(stage: stage, thread: thread, state: .starting)))
    }

    public var snapshot: Snapshot {
        inner.withLock { inner in
            var snapshot = inner.snapshot
            switch inner.base {
            case .starting, .running:
                if let part = Part.allCases.first(where: { inner.waits[$0] != nil }), let why = inner.waits[part] {
                    snapshot.state = .waiting(why)
                } else {
                    snapshot.state = inner.base
                }
            case .waiting, .failed, .stopped: snapshot.state = inner.base
            }
            return snapshot
        }
    }

    func enter(_ state: State) { inner.withLock { $0.base = state } }
    func waiting(_ part: Part, _ why: String) { inner.withLock { $0.waits[part] = why } }
    func recovered(_ part: Part) { inner.withLock { $0.waits[part] = nil } }
    func assigned(_ partitions: [Int32]) { inner.withLock { $0.snapshot.partitions = partitions.sorted() } }
    func lag(_ records: Int64) { inner.withLock { $0.snapshot.lag = records } }

    func committed(records: Int, samples: Int, deadLetters: Int, took: Duration, at now: ContinuousClock.Instant) {
        inner.withLock { inner in
            inner.snapshot.records += Int64(records)
            inner.snapshot.samples += Int64(samples)
            inner.snapshot.deadLetters += Int64(deadLetters)
            inner.snapshot.commits += 1
            inner.snapshot.lastCommitDuration = took
            inner.snapshot.lastCommit = now
        }
    }
}
