import Synchronization

@testable import EgizHTTP

/// A client's end in memory: what it was sent, and whether it reads, as tests say.
final class MemorySink: LiveSink {
    private struct State {
        var frames: [LiveFrame] = []
        var isWritable = true
        var end: LiveClose?
    }

    private let state = Mutex(State())

    var isOneWay: Bool { false }

    var isWritable: Bool {
        get { state.withLock { $0.isWritable } }
        set { state.withLock { $0.isWritable = newValue } }
    }

    var frames: [LiveFrame] { state.withLock { $0.frames } }
    var end: LiveClose? { state.withLock { $0.end } }

    /// The frames of a type.
    func frames(_ type: String) -> [LiveFrame] { frames.filter { $0.type == type } }

    func send(_ frame: LiveFrame) { state.withLock { $0.frames.append(frame) } }

    func ping() {}

    func close(_ reason: LiveClose) { state.withLock { $0.end = $0.end ?? reason } }
}
