import Glibc

@testable import EgizKafka

/// A plain client connection to 127.0.0.1 whose calls wait, up to twenty seconds.
struct BlockingSocket {
    private let descriptor: Int32

    init(port: UInt16) throws {
        guard let descriptor = LoopbackSocket.connect(port: port) else { throw TestFailure("no connection to \(port)") }
        self.init(adopting: descriptor)
    }

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var waits = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        _ = poll(&waits, 1, 20_000)
    }

    func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let n = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if n <= 0 { return }
            sent += n
        }
    }

    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let n = recv(descriptor, &buffer, buffer.count, 0)
            if n <= 0 { return all }
            all += buffer[..<n]
        }
    }

    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the close that follows a reset instead of an orderly end.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    }

    func close() { Glibc.close(descriptor) }
}

struct TestFailure: Error {
    var text: String
    init(_ text: String) { self.text = text }
}
