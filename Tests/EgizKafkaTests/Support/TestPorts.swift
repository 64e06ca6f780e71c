import Glibc
import Synchronization

@testable import EgizCore
@testable import EgizKafka

enum TestPorts {
    /// A port of 127.0.0.1 that nobody listens on.
    static func free() throws -> UInt16 {
        let (descriptor, port) = try LoopbackSocket.listen(port: 0)
        close(descriptor)
        return port
    }
}

/// Errors from another thread.
final class Failures: Sendable {
    private let errors = Mutex<[EngineError]>([])
    var all: [EngineError] { errors.withLock { $0 } }
    func append(_ error: EngineError) { errors.withLock { $0.append(error) } }
}
