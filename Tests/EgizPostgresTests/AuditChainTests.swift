import EgizCore
import Foundation
import Testing

@testable import EgizPostgres

/// The audit log only grows, and whoever changes it behind its back is found out.
@Suite struct AuditChainTests {
    private func database(_ count: Int = 5) throws -> TestDatabase {
        let database = try TestDatabase()
        for number in 0..<count {
            try AuditWriter.append(
                database.connection,
                AuditEntry(
                    actor: "user:\(number % 2)", actorName: "maria@example.com", action: "thing.\(number)",
                    object: "thing:a:\(number)", before: number == 0 ? nil : Array(#"{"n": 1.50}"#.utf8),
                    after: Array(#"{"text":"Zw\u00f6lf \"x\""}"#.utf8), remoteAddress: "192.0.2.1",
                    requestID: "r\(number)"))
        }
        return database
    }

    private func verdict(
        _ database: TestDatabase, noted: AuditVerifier.Head? = nil
    ) throws -> AuditVerifier.Verdict {
        try AuditVerifier(database.connection).verify(noted: noted)
    }

    private func head(_ database: TestDatabase) throws -> AuditVerifier.Head {
        guard case .intact(_, let head, _) = try verdict(database) else {
            throw EngineError(.bug, .stop, "the log is not intact")
        }
        return head
    }

    @Test func whatIsWrittenIsIntactAndRead() throws {
        let database = try database()
        guard case .intact(let count, let head, _) = try verdict(database) else {
            Issue.record("not intact")
            return
        }
        #expect(count == 5 && head.id == 5 && head.hash.count == 32)
        let queries = AuditQueries(database.connection)
        let page = try queries.page(.init(), before: nil, limit: 2)
        #expect(page.entries.map(\.id) == [5, 4] && page.hasMore)
        #expect(page.entries[0].hash == head.hash && page.entries[0].remoteAddress == "192.0.2.1")
        #expect(page.entries[0].before == Array(#"{"n": 1.50}"#.utf8), "numbers and spaces as they were written")
        #expect(try queries.page(.init(), before: 4, limit: 10).entries.map(\.id) == [3, 2, 1])
        #expect(try queries.page(.init(actor: "user:1"), before: nil, limit: 10).entries.map(\.id) == [4, 2])
        #expect(try queries.page(.init(action: "thing."), before: nil, limit: 10).entries.count == 5)
        #expect(try queries.page(.init(action: "thing.3"), before: nil, limit: 10).entries.map(\.id) == [4])
        #expect(try queries.page(.init(action: "thing"), before: nil, limit: 10).entries.isEmpty)
        #expect(try queries.page(.init(object: "thing:a:0"), before: nil, limit: 10).entries.map(\.id) == [1])
        let at = page.entries[1].at
        #expect(try queries.page(.init(since: at), before: nil, limit: 10).entries.map(\.id) == [5, 4])
        #expect(try queries.page(.init(until: at), before: nil, limit: 10).entries.map(\.id) == [3, 2, 1])
    }

    @Test(arguments: [
        "update egiz.audit set action = 'x' where audit_id = 2", "delete from egiz.audit where audit_id = 5",
        "delete from egiz.audit", "truncate egiz.audit",
    ])
    func nothingIsChangedOrTakenOut(sql: String) throws {
        let database = try database()
        let error = #expect(throws: EngineError.self) { try database.connection.execute(sql) }
        #expect(error?.detail == "42501")
        #expect(try database.count("audit") == 5)
    }

    /// What a person with all rights can do: switch the trigger off and change rows.
    @Test(
        arguments: [
            ("update egiz.audit set action = 'x' where audit_id = 2", 2),
            ("update egiz.audit set at = at + interval '1 s' where audit_id = 3", 3),
            ("update egiz.audit set before = '{\"n\": 1.5}' where audit_id = 4", 4),
            ("update egiz.audit set before = null where audit_id = 2", 2),
            ("update egiz.audit set actor_name = '', actor = actor || actor_name where audit_id = 1", 1),
            ("delete from egiz.audit where audit_id = 2", 3), ("delete from egiz.audit where audit_id = 5", 5),
            ("delete from egiz.audit where audit_id = 1", 2),
            ("update egiz.audit set audit_id = 9 where audit_id = 5", 9),
            ("update egiz.audit set hash = sha256(hash) where audit_id = 3", 3),
        ] as [(String, Int64)])
    func whatWasChangedBehindItsBackIsFound(sql: String, entry: Int64) throws {
        let database = try database()
        try database.connection.execute("alter table egiz.audit disable trigger user")
        try database.connection.execute(sql)
        guard case .broken(let found, _) = try verdict(database) else {
            Issue.record("found intact: \(sql)")
            return
        }
        #expect(found == entry, "\(sql)")
    }

    /// Who computes all hashes anew leaves a chain that holds; the end that was noted elsewhere does not fit it.
    @Test func aLogThatWasRewrittenDoesNotHoldWhatWasNoted() throws {
        let database = try database()
        let noted = try head(database)
        try database.connection.execute(
            """
            alter table egiz.audit disable trigger audit_refuse;
            alter table egiz.audit disable trigger audit_refuse_truncate;
            create temp table copy as select * from egiz.audit where audit_id <> 2 order by audit_id;
            truncate egiz.audit;
            update egiz.audit_head set audit_id = 0, hash = sha256('egiz audit');
            insert into egiz.audit (actor, actor_name, action, object) select actor, actor_name, action, object from copy order by audit_id;
            """)
        #expect(try head(database).id == 4, "in itself it holds")
        guard case .broken = try verdict(database, noted: noted) else {
            Issue.record("the rewritten log passed")
            return
        }
        try AuditWriter.append(
            database.connection, AuditEntry(actor: "user:0", actorName: "", action: "thing.9", object: "thing:a:9"))
        guard case .broken(let entry, _) = try verdict(database, noted: noted) else {
            Issue.record("the rewritten log passed at its old length")
            return
        }
        #expect(entry == 5)
    }

    @Test func whatIsRolledBackLeavesNoGap() throws {
        let database = try database(2)
        try database.connection.execute("begin")
        try AuditWriter.append(
            database.connection, AuditEntry(actor: "user:0", actorName: "", action: "x", object: "y"))
        database.connection.rollback()
        try AuditWriter.append(
            database.connection, AuditEntry(actor: "user:0", actorName: "", action: "x", object: "y"))
        #expect(try head(database).id == 3)
    }

    @Test func writersAtOnceMakeOneChain() async throws {
        let database = try database(0)
        let pool = PostgresPool(url: database.url, applicationName: "egiz-test", size: 4)
        defer { pool.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await pool.run { connection in
                        try connection.transaction { connection throws(EngineError) in
                            try AuditWriter.append(
                                connection,
                                AuditEntry(actor: "user:\(number)", actorName: "", action: "x", object: "y"))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try head(database).id == 40)
    }
}
