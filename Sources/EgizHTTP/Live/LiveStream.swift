import Hummingbird
import NIOCore

/// The end of one client that reads server-sent events: frames become events, and wait in a stream until the answer's body takes them.
///
/// Confined to the connection's loop, but for `written`. Unchecked: everything mutable is touched on the loop alone.
final class LiveStream: LiveSink, @unchecked Sendable {
    /// Bytes under way above which the client counts as slow.
    private static let mostUnderWay = 64 << 10

    let events: AsyncStream<ByteBuffer>
    private let continuation: AsyncStream<ByteBuffer>.Continuation
    private var underWay = 0
    private var isClosed = false

    let isOneWay = true

    init() { (events, continuation) = AsyncStream.makeStream() }

    var isWritable: Bool { !isClosed && underWay < Self.mostUnderWay }

    func send(_ frame: LiveFrame) {
        var event = ByteBuffer()
        event.reserveCapacity(frame.json.count + (frame.resume?.utf8.count ?? 0) + 64)
        // A browser's EventSource has an event `error` of its own.
        event.writeString("event: \(frame.type == "error" ? "problem" : frame.type)\n")
        // A browser sends the last one back in Last-Event-ID when it reconnects.
        if let resume = frame.resume { event.writeString("id: \(resume)\n") }
        // JSON of ours has no line ends.
        event.writeString("data: ")
        event.writeBytes(frame.json)
        event.writeString("\n\n")
        write(event)
    }

    func ping() { write(ByteBuffer(string: ": ping\n\n")) }

    func close(_ reason: LiveClose) {
        guard !isClosed else { return }
        if reason != .done {
            var out = JSONOutput()
            out.beginObject()
            out.member("type", "end")
            out.member("code", Int(reason.code))
            out.member("reason", reason.reason)
            out.endObject()
            write(ByteBuffer(string: "event: end\ndata: \(String(decoding: out.bytes, as: UTF8.self))\n\n"))
        }
        isClosed = true
        continuation.finish()
    }

    private func write(_ event: ByteBuffer) {
        guard !isClosed else { return }
        underWay += event.readableBytes
        continuation.yield(event)
    }

    /// The connection has taken that many bytes. True where there is room again.
    func written(_ bytes: Int) -> Bool {
        let wasFull = underWay >= Self.mostUnderWay
        underWay -= bytes
        return wasFull && underWay < Self.mostUnderWay
    }
}
