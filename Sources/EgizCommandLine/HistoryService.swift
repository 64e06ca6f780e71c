import EgizCore
import EgizHTTP
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation
import Logging
import Metrics
import ServiceLifecycle

/// The compactor and retention as a quiet service of a worker: works half of the time at most, waits while another process is at
/// it, and never takes anything down with it.
struct HistoryService: Service {
    private static let interval: Duration = .seconds(15)
    private static let longestPause: TimeInterval = 2

    private let database: String
    private let configuration: HistoryCompactor.Configuration
    private let logger: Logger

    init(database: String, configuration: HistoryCompactor.Configuration, logger: Logger) {
        self.database = database
        self.configuration = configuration
        self.logger = logger
        for (name, help) in [
            ("egiz_history_debt_rows", "Segments and blocks of history that could be compacted and are not."),
            ("egiz_history_debt_samples", "Samples of history that could be compacted and are not."),
            ("egiz_history_debt_bytes", "Bytes of history that could be compacted and are not."),
            ("egiz_history_compacted_samples_total", "Samples of history compacted by this process."),
            ("egiz_history_closed_seconds", "Unix time up to which history can be compacted."),
            (
                "egiz_history_expired_samples",
                "Samples that came after their retention had ended, by retention in days."
            ),
        ] {
            Program.metrics.describe(name, help)
        }
    }

    func run() async throws {
        let stop = Flag()
        await withTaskCancellationOrGracefulShutdownHandler {
            var memory = HistoryMaintenance.Memory()
            while !stop.isRaised {
                memory = await round(stop, memory)
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.interval) }
            }
        } onCancelOrGracefulShutdown: {
            stop.raise()
        }
    }

    private func round(_ stop: Flag, _ memory: HistoryMaintenance.Memory) async -> HistoryMaintenance.Memory {
        // A connection a round: an idle one would keep the lock from a process that has more time.
        var settings = PostgresSettings()
        settings.statementTimeout = .seconds(600)
        settings.lockTimeout = .seconds(10)
        let pool = PostgresPool(url: database, applicationName: "egiz-history", size: 1, settings: settings)
        defer { pool.close() }
        do {
            let configuration = configuration
            let (report, next) = try await pool.run { connection in
                let maintenance = HistoryMaintenance(connection, configuration)
                defer { maintenance.release() }
                var next = memory
                let report = try maintenance.round(&next) { done, took in
                    Self.tell(done.left)
                    Thread.sleep(forTimeInterval: min(took.seconds, Self.longestPause))
                    return !stop.isRaised
                }
                return (report, next)
            }
            if let report { tell(report) }
            return next
        } catch {
            if !stop.isRaised {
                logger.warning("history could not be compacted; tried again", metadata: ["egiz.error": "\(error)"])
            }
            return HistoryMaintenance.Memory()
        }
    }

    private static func tell(_ debt: HistoryStatus.Form) {
        Gauge(label: "egiz_history_debt_rows").record(debt.rows)
        Gauge(label: "egiz_history_debt_samples").record(debt.samples)
        Gauge(label: "egiz_history_debt_bytes").record(debt.bytes)
    }

    private func tell(_ report: HistoryMaintenance.Report) {
        Self.tell(report.progress.left)
        Counter(label: "egiz_history_compacted_samples_total").increment(by: Int64(report.progress.samples))
        if let closed = report.closed {
            Gauge(label: "egiz_history_closed_seconds").record(Double(closed.microseconds) / 1_000_000)
        }
        for one in report.classes where one.retention > 0 {
            Gauge(label: "egiz_history_expired_samples", dimensions: [("retention", "\(one.retention)d")])
                .record(one.expired)
        }
        if report.progress.rows > 0 || !report.dropped.isEmpty {
            logger.debug(
                "history compacted",
                metadata: [
                    "egiz.rows": "\(report.progress.rows)", "egiz.samples": "\(report.progress.samples)",
                    "egiz.written": "\(report.progress.written)", "egiz.dropped": "\(report.dropped)",
                ])
        }
    }
}
