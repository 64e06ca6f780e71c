import ServiceLifecycle

/// A service that only waits for shutdown: for commands whose work runs elsewhere.
struct UntilShutdown: Service {
    func run() async throws { try await gracefulShutdown() }
}
