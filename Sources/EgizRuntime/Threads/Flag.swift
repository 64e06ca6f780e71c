public import Foundation

/// A condition that is raised once and stays raised. Safe from any thread.
///
/// Unchecked: all state is guarded by `condition`.
public final class Flag: @unchecked Sendable {
    private let condition = NSCondition()
    private var raised = false
    private var callbacks: [@Sendable () -> Void] = []

    public init() {}

    public var isRaised: Bool {
        condition.lock()
        defer { condition.unlock() }
        return raised
    }

    public func raise() {
        condition.lock()
        let pending = raised ? [] : callbacks
        raised = true
        callbacks = []
        condition.broadcast()
        condition.unlock()
        for callback in pending { callback() }
    }

    /// Blocks until raised or until the deadline; true when raised.
    @discardableResult
    public func wait(until deadline: Date) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !raised {
            if !condition.wait(until: deadline) { return raised }
        }
        return true
    }

    /// Calls `body` when the flag is raised, at once where it is already.
    public func onRaise(_ body: @escaping @Sendable () -> Void) {
        condition.lock()
        if raised {
            condition.unlock()
            body()
            return
        }
        callbacks.append(body)
        condition.unlock()
    }
}
