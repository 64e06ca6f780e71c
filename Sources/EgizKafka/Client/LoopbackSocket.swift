import EgizCore
import Glibc

/// TCP on 127.0.0.1 with plain file descriptors, non-blocking.
enum LoopbackSocket {
    /// Listens on the port; 0 lets the system choose. Returns the descriptor and the port.
    /// Errors: `.config`/`.backoff` where the port is in use or not allowed.
    static func listen(port: UInt16) throws(EngineError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure("no socket for 127.0.0.1:\(port)", errno) }
        var on: Int32 = 1
        // A restart must not wait for the connections of the run before to fade.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = address(port: port)
        let bound = withUnsafeSockAddr(&address) { Glibc.bind(descriptor, $0, $1) }
        guard bound == 0, Glibc.listen(descriptor, 128) == 0, makeNonBlocking(descriptor) else {
            let code = errno
            Glibc.close(descriptor)
            throw failure("cannot listen on 127.0.0.1:\(port)", code)
        }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// Begins to connect; the descriptor becomes writable when it is done. nil where the system refuses at once.
    static func connect(port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = address(port: port)
        guard makeNonBlocking(descriptor),
            withUnsafeSockAddr(&address, { Glibc.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS
        else {
            Glibc.close(descriptor)
            return nil
        }
        noDelay(descriptor)
        return descriptor
    }

    /// The next waiting connection; nil where there is none, with `errno` of accept.
    static func accept(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        guard makeNonBlocking(descriptor) else {
            Glibc.close(descriptor)
            return nil
        }
        noDelay(descriptor)
        return descriptor
    }

    private static func makeNonBlocking(_ descriptor: Int32) -> Bool {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let flags = fcntl(descriptor, F_GETFL)
        return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0
    }

    private static func noDelay(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func withUnsafeSockAddr(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private static func failure(_ what: String, _ code: Int32) -> EngineError {
        EngineError(.config, .backoff, "\(what): \(String(cString: strerror(code)))", detail: "errno \(code)")
    }
}
