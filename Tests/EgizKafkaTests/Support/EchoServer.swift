import Glibc
import Synchronization

@testable import EgizKafka

/// Reads each connection to its end and only then sends all of it back.
final class EchoServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let isStopping = Atomic<Bool>(false)
    private let threads = Mutex<[OSThread]>([])

    init() throws {
        let listening = try LoopbackSocket.listen(port: 0)
        (listener, port) = (listening.descriptor, listening.port)
        let acceptor = try OSThread(name: "echo") { [self] in
            while !isStopping.load(ordering: .relaxed) {
                var waits = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
                guard poll(&waits, 1, 20) > 0, let descriptor = LoopbackSocket.accept(listener) else { continue }
                let served = try? OSThread(name: "echo") {
                    let peer = BlockingSocket(adopting: descriptor)
                    peer.write(peer.readAll())
                    peer.close()
                }
                if let served { threads.withLock { $0.append(served) } }
            }
        }
        threads.withLock { $0.insert(acceptor, at: 0) }
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        while let thread = threads.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { thread.join() }
        close(listener)
    }
}
