import Glibc

/// A fixed stretch of bytes on their way from one socket to another.
struct RelayBuffer {
    enum Outcome { case moved, blocked, ended, failed }

    private var bytes: [UInt8]
    private var head = 0
    private var tail = 0

    init(capacity: Int) { bytes = [UInt8](repeating: 0, count: capacity) }

    var isEmpty: Bool { head == tail }
    var hasRoom: Bool { tail < bytes.count }

    /// Reads once what the socket has, as far as there is room.
    mutating func fill(from descriptor: Int32) -> Outcome {
        let (start, room) = (tail, bytes.count - tail)
        let n = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + start }, room, 0) }
        if n > 0 {
            tail += n
            return .moved
        }
        return n == 0 ? .ended : Self.outcome(of: errno)
    }

    /// Writes once what the socket takes.
    mutating func drain(into descriptor: Int32) -> Outcome {
        let (start, count) = (head, tail - head)
        // No signal where the peer is gone: that is an ordinary end.
        let n = bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress.map { $0 + start }, count, Int32(MSG_NOSIGNAL))
        }
        guard n >= 0 else { return Self.outcome(of: errno) }
        head += n
        if head == tail { (head, tail) = (0, 0) }
        return .moved
    }

    private static func outcome(of code: Int32) -> Outcome {
        code == EAGAIN || code == EWOULDBLOCK || code == EINTR ? .blocked : .failed
    }
}
