import EgizCore
import Synchronization

/// The gate of a stage's calls, shared by its threads in a worker. Safe from any thread.
package final class SharedCallGate: Sendable {
    private struct State: Sendable {
        var gate: CallGate?
        var desks = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// A desk takes part, and is called so; the first is 0. All desks have one policy: it is the stage's.
    func join(_ policy: CallPolicy, lanes: Int) -> Int {
        state.withLock { state in
            if state.gate == nil { state.gate = CallGate(policy: policy, lanes: lanes) }
            defer { state.desks += 1 }
            return state.desks
        }
    }

    /// Calls `body` with the gate, which no other thread has meanwhile: it must not block.
    ///
    /// - Precondition: somebody has joined.
    func with<T: Sendable>(_ body: (inout CallGate) -> T) -> T {
        state.withLock { state in
            guard var gate = state.gate.take() else { preconditionFailure("a gate is used before anybody joined") }
            defer { state.gate = gate }
            return body(&gate)
        }
    }
}
