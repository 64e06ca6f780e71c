import EgizCore
import Glibc

/// A POSIX thread that runs one closure; for loops that block, which must stay off the task pool.
///
/// Unchecked: `handle` is written once, before the object is visible to anyone.
final class OSThread: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var handle = pthread_t()

    /// `name` stands in the error only. Errors: `.config`/`.backoff` where the system gives no thread.
    init(name: String, _ run: @escaping @Sendable () -> Void) throws(EngineError) {
        let body = Unmanaged.passRetained(Body(run: run))
        let code = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw EngineError(
                .config, .backoff,
                "no thread for \(name): \(String(cString: strerror(code))); raise the limit of processes")
        }
    }

    /// Waits until the closure has returned. Call once.
    func join() { pthread_join(handle, nil) }
}
