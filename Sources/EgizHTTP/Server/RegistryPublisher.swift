import EgizCore
public import EgizPostgres
public import Logging
public import ServiceLifecycle
import EgizTwin

/// Publishes every change of the registry on `framework.notifications.v1.registry`, in the order of the changes, within a second.
///
/// At least once: after a crash the last batch may come again, with the ids that it had.
public struct RegistryPublisher: Service {
    public static let topic = "framework.notifications.v1.registry"

    private static let interval: Duration = .milliseconds(250)
    /// With Kafka back, changes are told within two seconds.
    private static let longestPause: Duration = .seconds(1)
    private static let batch = 500
    /// Rounds between two sweeps: an hour.
    private static let sweeps = 14_400

    private let pool: PostgresPool
    private let sink: any NotificationSink
    private let logger: Logger

    public init(pool: PostgresPool, sink: any NotificationSink, logger: Logger) {
        (self.pool, self.sink, self.logger) = (pool, sink, logger)
    }

    public func run() async throws {
        var pause = Self.interval
        var rounds = 0
        var isPrepared = false
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                if !isPrepared { try await prepare() }
                isPrepared = true
                while try await round() == Self.batch {}
                if rounds % Self.sweeps == 0 { try await pool.run { try RegistryEvents($0).sweep() } }
                rounds += 1
                pause = Self.interval
            } catch {
                // The changes are in force without it; what waits is told as soon as Kafka and the database are there again.
                pause = min(pause * 2, Self.longestPause)
                logger.warning(
                    "changes of the registry could not be published; tried again", metadata: ["egiz.error": "\(error)"])
            }
            let length = pause
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: length) }
        }
    }

    private func prepare() async throws {
        let sink = sink
        try await pool.run { _ in try sink.prepare(Self.topic) }
    }

    /// One batch; the number of events, 0 also while another process is at it.
    func round() async throws -> Int {
        let sink = sink
        return try await pool.run { connection in
            try RegistryEvents(connection).publish(limit: Self.batch) { events in
                try sink.publish(
                    events.map { ("\($0.kind):\($0.subject)", Self.json($0)) }, to: Self.topic)
            } ?? 0
        }
    }

    static func json(_ event: RegistryEvent) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("id", event.id)
        out.member("kind", event.kind)
        out.member("subject", event.subject)
        out.member("action", event.action)
        out.member("version", event.version)
        out.member("project", event.project?.text)
        out.member("at", event.at.text)
        out.endObject()
        return out.bytes
    }
}
