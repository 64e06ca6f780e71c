public import EgizCore
import Metrics
import Synchronization

/// What one stream thread is doing, for `/readyz`, metrics and the live line. Safe from any thread.
public final class StageStatus: Sendable {
    /// What a thread can be waiting for; each is reported by itself.
    public enum Part: String, Sendable, CaseIterable { case log, group, store, commit, output, parking, endpoint }

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
        /// Whom a caller asks does not answer: why.
        public var endpoint: String?
        /// Records between the committed positions and the ends of the log as last seen.
        public var lag: Int64 = 0
    }

    private struct Inner {
        var snapshot: Snapshot
        var base: State = .starting
        var waits: [Part: String] = [:]
    }

    private let inner: Mutex<Inner>
    /// `egiz_stage_waiting`: 1 while the thread waits for the part.
    private let gauges: [Part: Gauge]

    init(stage: StageName, thread: Int) {
        inner = Mutex(Inner(snapshot: Snapshot(stage: stage, thread: thread, state: .starting)))
        let labels = [("topology", stage.topology), ("source", stage.source), ("thread", "\(thread)")]
        var gauges: [Part: Gauge] = [:]
        for part in Part.allCases {
            let gauge = Gauge(label: "egiz_stage_waiting", dimensions: labels + [("part", part.rawValue)])
            // The thread before us may have ended while it waited.
            gauge.record(0)
            gauges[part] = gauge
        }
        self.gauges = gauges
    }

    public var snapshot: Snapshot {
        inner.withLock { inner in
            var snapshot = inner.snapshot
            snapshot.endpoint = inner.waits[.endpoint]
            switch inner.base {
            case .starting, .running:
                // Whom a caller asks is no server of ours: the worker is ready without.
                if let part = Part.allCases.first(where: { $0 != .endpoint && inner.waits[$0] != nil }),
                    let why = inner.waits[part]
                {
                    snapshot.state = .waiting(why)
                } else {
                    snapshot.state = inner.base
                }
            case .waiting, .failed, .stopped: snapshot.state = inner.base
            }
            return snapshot
        }
    }

    func enter(_ state: State) {
        inner.withLock { inner in
            inner.base = state
            switch state {
            case .stopped, .failed: for gauge in gauges.values { gauge.record(0) }
            case .starting, .running, .waiting: break
            }
        }
    }

    func waiting(_ part: Part, _ why: String) {
        inner.withLock { inner in
            inner.waits[part] = why
            gauges[part]?.record(1)
        }
    }

    func recovered(_ part: Part) {
        inner.withLock { inner in
            guard inner.waits.removeValue(forKey: part) != nil else { return }
            gauges[part]?.record(0)
        }
    }

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
