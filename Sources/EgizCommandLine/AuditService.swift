import EgizCore
import EgizPostgres
import Logging
import ServiceLifecycle

/// Cuts the audit log once a day, beside the API, where the settings say how long entries are kept.
///
/// Several processes may do it: one after the other, and the second finds nothing.
struct AuditService: Service {
    private static let interval: Duration = .seconds(86_400)

    let database: String
    let days: Int
    let logger: Logger

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await round()
                try await Task.sleep(for: Self.interval)
            }
        }
    }

    func round() async {
        var settings = PostgresSettings()
        settings.statementTimeout = .seconds(120)
        let pool = PostgresPool(url: database, applicationName: "egiz-audit", size: 1, settings: settings)
        defer { pool.close() }
        do {
            let days = days
            let outcome = try await pool.run { connection -> AuditRetention.Outcome? in
                let retention = AuditRetention(connection)
                let time = try retention.time(daysAgo: days)
                // To check the whole log takes a while.
                guard try retention.count(before: time) > 0 else { return nil }
                return try retention.cut(before: time, actor: "egiz", name: "retention of \(days) days")
            }
            switch outcome {
            case nil: break
            case .cut(let count, let head):
                logger.notice(
                    "old entries of the audit log were cut",
                    metadata: [
                        "egiz.audit.removed": "\(count)",
                        "egiz.audit.head": "\(head.id):\(Hexadecimal.text(head.hash))",
                    ])
            case .broken(let id, let why):
                logger.error(
                    "the audit log does not hold, so nothing of it is cut: see egiz audit verify",
                    metadata: ["egiz.audit.entry": "\(id)", "egiz.error": "\(why)"])
            }
        } catch {
            logger.warning("the audit log could not be cut; tried again", metadata: ["egiz.error": "\(error)"])
        }
    }
}
