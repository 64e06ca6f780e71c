public import EgizCore
public import EgizRuntime
import Synchronization

/// Somebody to be called, in memory: answers at once, unless it is told to let callers wait. Safe from any thread.
public final class MemoryEndpoint: CallTransport {
    public typealias Answer = @Sendable (CallRequest) -> CallOutcome

    private struct State {
        var answer: Answer
        var planned: [CallOutcome] = []
        var requests: [CallRequest] = []
        var isHanging = false
        var waiting: [(request: CallRequest, completion: @Sendable (CallOutcome) -> Void)] = []
    }

    private struct Handle: CallHandle {
        func cancel() {}
    }

    private let state: Mutex<State>

    public init(_ answer: @escaping Answer) { state = Mutex(State(answer: answer)) }

    /// Every call so far, in order.
    public var requests: [CallRequest] { state.withLock { $0.requests } }

    /// Calls that wait for an answer.
    public var hanging: Int { state.withLock { $0.waiting.count } }

    /// From now on it answers so.
    public func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// The next calls end so, before `answer` is asked again.
    public func plan(_ outcomes: [CallOutcome]) { state.withLock { $0.planned += outcomes } }

    /// Lets callers wait, for ever: nobody but `recover` answers them.
    public func hang() { state.withLock { $0.isHanging = true } }

    /// Answers again, also those that wait.
    public func recover() {
        let waiting = state.withLock { state in
            state.isHanging = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for call in waiting { call.completion(outcome(of: call.request)) }
    }

    private func outcome(of request: CallRequest) -> CallOutcome {
        let planned = state.withLock { $0.planned.isEmpty ? nil : $0.planned.removeFirst() }
        if let planned { return planned }
        return state.withLock { $0.answer }(request)
    }

    public func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
        let isHanging = state.withLock { state in
            state.requests.append(request)
            if state.isHanging { state.waiting.append((request, completion)) }
            return state.isHanging
        }
        if !isHanging { completion(outcome(of: request)) }
        return Handle()
    }
}
