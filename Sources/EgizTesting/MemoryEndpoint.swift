public import EgizCore
public import EgizRuntime
import Foundation

/// Somebody to be called, in memory: answers at once, unless it is told to let callers wait. Safe from any thread.
///
/// Unchecked: all state is guarded by `condition`.
public final class MemoryEndpoint: CallTransport, @unchecked Sendable {
    public typealias Answer = @Sendable (CallRequest) -> CallOutcome

    private struct Handle: CallHandle {
        func cancel() {}
    }

    private let condition = NSCondition()
    private var answerNow: Answer
    private var planned: [CallOutcome] = []
    private var received: [CallRequest] = []
    private var healthNow: Answer = { _ in .response(CallResponse(status: 200)) }
    private var receivedHealth: [CallRequest] = []
    private var isHanging = false
    private var waiting: [(request: CallRequest, completion: @Sendable (CallOutcome) -> Void)] = []

    public init(_ answer: @escaping Answer) { answerNow = answer }

    private func locked<T>(_ body: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }

    /// Every call so far, in order, without those that ask how it is.
    public var requests: [CallRequest] { locked { received } }

    /// Every `GET` so far: it is asked how it is, and says at once that it is well.
    public var healthRequests: [CallRequest] { locked { receivedHealth } }

    /// From now on it says so of its health.
    public func health(_ answer: @escaping Answer) { locked { healthNow = answer } }

    /// Calls that wait for an answer.
    public var hanging: Int { locked { waiting.count } }

    /// From now on it answers so.
    public func answer(_ answer: @escaping Answer) { locked { answerNow = answer } }

    /// The next calls end so, before `answer` is asked again.
    public func plan(_ outcomes: [CallOutcome]) { locked { planned += outcomes } }

    /// Lets callers wait, for ever: nobody but `recover` answers them.
    public func hang() { locked { isHanging = true } }

    /// Answers again, also those that wait.
    public func recover() {
        let calls = locked {
            isHanging = false
            defer { waiting = [] }
            return waiting
        }
        for call in calls { call.completion(outcome(of: call.request)) }
    }

    /// Waits without blocking the cooperative pool until so many wait for an answer; false after `seconds`.
    public func isWaitedFor(by count: Int = 1, seconds: Double = 20) async -> Bool {
        await onThread { [self] in
            let deadline = Date(timeIntervalSinceNow: seconds)
            condition.lock()
            defer { condition.unlock() }
            while waiting.count < count { if !condition.wait(until: deadline) { return waiting.count >= count } }
            return true
        }
    }

    private func outcome(of request: CallRequest) -> CallOutcome {
        let planned = locked { self.planned.isEmpty ? nil : self.planned.removeFirst() }
        if let planned { return planned }
        return locked { answerNow }(request)
    }

    public func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
        if request.method == "GET" {
            let answer = locked {
                receivedHealth.append(request)
                return healthNow
            }
            completion(answer(request))
            return Handle()
        }
        let isHanging = locked {
            received.append(request)
            if self.isHanging { waiting.append((request, completion)) }
            return self.isHanging
        }
        if !isHanging { completion(outcome(of: request)) }
        return Handle()
    }
}
