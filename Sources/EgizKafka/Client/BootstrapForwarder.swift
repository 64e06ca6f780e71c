import EgizCore
import Glibc
import Logging
import Synchronization

/// Passes TCP connections of 127.0.0.1:`port` on to another port of this machine, on a poll(2) thread of its own.
///
/// librdkafka's mock broker chooses its port; clients want a known one for the first connection, and learn the real one from
/// the metadata. Bytes are passed on unread, so garbage is the target's business.
final class BootstrapForwarder: Sendable {
    private static let maxConnections = 256

    let port: UInt16
    private let target: UInt16
    private let listener: Int32
    /// The two ends of a pipe: a byte in it ends the loop.
    private let wakeup: (read: Int32, write: Int32)
    private let log: Logger
    private let thread = Mutex<OSThread?>(nil)

    /// Listens on `port` (0: the system chooses). Errors: `.config`/`.backoff` where it is in use.
    init(port: UInt16, target: UInt16, log: Logger) throws(EngineError) {
        let listening = try LoopbackSocket.listen(port: port)
        (listener, self.port) = (listening.descriptor, listening.port)
        self.target = target
        self.log = log
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let code = errno
            close(listening.descriptor)
            throw EngineError(
                .config, .backoff, "no pipe for the bootstrap forwarder: \(String(cString: strerror(code)))")
        }
        wakeup = (ends[0], ends[1])
        do throws(EngineError) {
            let started = try OSThread(name: "the bootstrap forwarder") { [self] in run() }
            thread.withLock { $0 = started }
        } catch {
            for descriptor in [listener, wakeup.read, wakeup.write] { close(descriptor) }
            throw error
        }
    }

    /// Closes every connection and the port. Idempotent.
    func stop() {
        guard
            let running = thread.withLock({ thread -> OSThread? in
                defer { thread = nil }
                return thread
            })
        else { return }
        var byte: UInt8 = 1
        _ = write(wakeup.write, &byte, 1)
        running.join()
        for descriptor in [listener, wakeup.read, wakeup.write] { close(descriptor) }
    }

    private func run() {
        var connections = ConnectionTable()
        var waits: [pollfd] = []
        // Out of descriptors: accepting again at once would spin.
        var isAcceptPaused = false
        while true {
            waits.removeAll(keepingCapacity: true)
            waits.append(pollfd(fd: wakeup.read, events: Int16(POLLIN), revents: 0))
            let isFull = isAcceptPaused || connections.count >= Self.maxConnections
            waits.append(pollfd(fd: isFull ? -1 : listener, events: Int16(POLLIN), revents: 0))
            connections.appendWaits(to: &waits)
            let ready = poll(&waits, nfds_t(waits.count), isAcceptPaused ? 100 : -1)
            isAcceptPaused = false
            if ready < 0, errno != EINTR {
                log.error("the bootstrap forwarder stops", metadata: ["errno": "\(errno)"])
                return
            }
            if ready <= 0 { continue }
            if waits[0].revents != 0 { return }
            connections.serve(waits.dropFirst(2))
            if waits[1].revents != 0 { isAcceptPaused = !accept(into: &connections) }
        }
    }

    /// Takes one waiting connection. False where the system has no descriptor for it.
    private func accept(into connections: inout ConnectionTable) -> Bool {
        guard let client = LoopbackSocket.accept(listener) else {
            return !(errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        }
        guard let upstream = LoopbackSocket.connect(port: target) else {
            close(client)
            return errno != EMFILE && errno != ENFILE
        }
        connections.add(ForwardedConnection(client: client, target: upstream))
        return true
    }
}
