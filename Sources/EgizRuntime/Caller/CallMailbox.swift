import EgizCore
import Foundation

/// Where calls leave how they ended, for the thread that made them. Safe from any thread.
///
/// Unchecked: all state is guarded by `condition`.
final class CallMailbox: @unchecked Sendable {
    private let condition = NSCondition()
    private var letters: [(call: Int64, outcome: CallOutcome)] = []

    func post(_ call: Int64, _ outcome: CallOutcome) {
        condition.lock()
        letters.append((call, outcome))
        condition.broadcast()
        condition.unlock()
    }

    func take() -> [(call: Int64, outcome: CallOutcome)] {
        condition.lock()
        defer {
            letters.removeAll()
            condition.unlock()
        }
        return letters
    }

    /// Blocks until something is there or the time has passed.
    func wait(_ duration: Duration) {
        let deadline = Date(timeIntervalSinceNow: duration.seconds)
        condition.lock()
        while letters.isEmpty, condition.wait(until: deadline) {}
        condition.unlock()
    }
}
