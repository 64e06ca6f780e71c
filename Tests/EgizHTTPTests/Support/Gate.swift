import Foundation

/// Holds threads until it is opened. Unchecked: the condition guards the flag.
final class Gate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = false

    /// At most ten seconds, so that a test that fails ends.
    func wait() {
        condition.lock()
        let end = Date(timeIntervalSinceNow: 10)
        while !isOpen, condition.wait(until: end) {}
        condition.unlock()
    }

    func open() {
        condition.lock()
        isOpen = true
        condition.broadcast()
        condition.unlock()
    }
}
