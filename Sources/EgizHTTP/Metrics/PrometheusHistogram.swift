import CoreMetrics
import Synchronization

/// Counts of values by upper bound, and their sum.
final class PrometheusHistogram: RecorderHandler, TimerHandler {
    struct Snapshot {
        /// Count of values at or below each bound, up to infinity.
        var cumulative: [(bound: Double, count: UInt64)]
        var sum: Double
        var count: UInt64
    }

    private struct State {
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    /// `bounds` ascend; values above the last are counted as well.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[index] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }

    var current: Snapshot {
        let state = state.withLock { $0 }
        var total: UInt64 = 0
        var cumulative: [(Double, UInt64)] = []
        for (index, count) in state.counts.enumerated() {
            total += count
            cumulative.append((index < bounds.count ? bounds[index] : .infinity, total))
        }
        return Snapshot(cumulative: cumulative, sum: state.sum, count: total)
    }
}
