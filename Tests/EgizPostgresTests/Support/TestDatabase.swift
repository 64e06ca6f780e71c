import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation
import TestSupport

/// A fresh database, dropped when the test is done with it.
final class TestDatabase {
    let name = "egiz_test_" + UUID().uuidString.lowercased().replacing("-", with: "")
    let url: String
    /// For looking at what was written.
    let connection: PostgresConnection

    init(migrated: Bool = true, options: String = "") throws {
        url = try TestPostgres.create(name, migrated: migrated, options: options)
        connection = try PostgresConnection(url: url, applicationName: "egiz-test")
    }

    deinit {
        connection.close()
        try? TestPostgres.administrator().execute("drop database if exists \(name) with (force)")
    }

    static func worker(_ id: String = "worker-a") -> WorkerIdentity {
        WorkerIdentity(id: id, host: "host", processID: 7)
    }

    func store(_ id: String = "worker-a") -> PostgresTaskStore { PostgresTaskStore(url: url, worker: Self.worker(id)) }
    func writer(_ id: String = "worker-a") -> PostgresEpochWriter {
        PostgresEpochWriter(url: url, worker: Self.worker(id))
    }

    func count(_ table: String) throws -> Int64 {
        try connection.query("select count(*) from egiz.\(table)").first?.int64(0) ?? -1
    }

    /// The rows of `egiz.history` in order, as `path@time kind value`.
    func history(_ thing: String) throws -> [String] {
        try describe(
            connection.query(
                "select path, time, kind, number, text, \"boolean\", json::text from egiz.history where thing_id = $1 order by path, time",
                [.text(thing)]))
    }

    func history(_ thing: String, _ path: String, from: Int64, to: Int64) throws -> [String] {
        try describe(
            connection.query(
                "select path, time, kind, number, text, \"boolean\", json::text from egiz.history($1, $2, $3, $4) order by time",
                [.text(thing), .text(path), .timestamp(microseconds: from), .timestamp(microseconds: to)]))
    }

    private func describe(_ rows: PostgresRows) -> [String] {
        rows.map { row in
            let values = [row.double(3).map { "\($0)" }, row.text(4), row.bool(5).map { "\($0)" }, row.text(6)]
                .compactMap { $0 }
            return "\(row.text(0) ?? "")@\(row.timestamp(1) ?? 0) \(row.text(2) ?? "")"
                + (values.isEmpty ? "" : " " + values.joined(separator: " "))
        }
    }
}
