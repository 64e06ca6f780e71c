public import EgizCore

/// Makes calls over HTTP. Safe from any thread.
public protocol CallTransport: Sendable {
    /// Begins a call and returns at once; `completion` is called exactly once, on any thread, at the latest when the request's
    /// timeout has passed, or soon after `cancel`.
    func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle
}

/// A call under way.
public protocol CallHandle: Sendable {
    /// Gives it up; its completion comes all the same.
    func cancel()
}

/// Where no transport was given: nobody is there. Programs that run callers bring one.
public struct NoTransport: CallTransport {
    private struct Handle: CallHandle {
        func cancel() {}
    }

    public init() {}

    public func send(_ request: CallRequest, completion: @escaping @Sendable (CallOutcome) -> Void) -> any CallHandle {
        completion(.away("this program makes no calls"))
        return Handle()
    }
}
