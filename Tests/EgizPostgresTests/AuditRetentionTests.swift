import EgizCore
import EgizTwin
import Foundation
import Testing

@testable import EgizPostgres

/// What only somebody with all rights can do first.
private let off = "alter table egiz.audit disable trigger user; alter table egiz.audit_checkpoint disable trigger user"

/// Old entries of the audit log go by a cut that the log itself tells of; whoever takes entries away otherwise is found out.
@Suite struct AuditRetentionTests {
    /// Entries 1 to `count`.
    private func database(_ count: Int = 5) throws -> TestDatabase {
        let database = try TestDatabase()
        for number in 1...count { try append(database, number) }
        return database
    }

    private func append(_ database: TestDatabase, _ number: Int) throws {
        try AuditWriter.append(
            database.connection,
            AuditEntry(actor: "user:1", actorName: "maria", action: "thing.\(number)", object: "thing:a:\(number)"))
    }

    private func entries(_ database: TestDatabase) throws -> [StoredAuditEntry] {
        try AuditQueries(database.connection).page(.init(), before: nil, limit: 100).entries.reversed()
    }

    private func time(_ database: TestDatabase, of entry: Int64) throws -> EventTime {
        try #require(try entries(database).first { $0.id == entry }).at
    }

    private func verdict(_ database: TestDatabase, noted: AuditVerifier.Head? = nil) throws -> AuditVerifier.Verdict {
        try AuditVerifier(database.connection).verify(noted: noted)
    }

    /// Takes away what was written before an entry; the entry of the cut comes last.
    private func cut(
        _ database: TestDatabase, before entry: Int64, most: Int64 = 1000
    ) throws -> AuditRetention.Outcome {
        try AuditRetention(database.connection, most: most).cut(
            before: try time(database, of: entry), actor: "operator:jo")
    }

    private func isBroken(_ verdict: AuditVerifier.Verdict, at entry: Int64, _ what: String) {
        guard case .broken(let found, let why) = verdict else {
            Issue.record("found intact: \(what)")
            return
        }
        #expect(found == entry, "\(what): \(why)")
    }

    @Test func whatIsOldGoesAndTheRestIsIntact() throws {
        let database = try database()
        let before = try entries(database)
        #expect(try AuditRetention(database.connection).count(before: before[3].at) == 3)
        guard case .cut(let removed, let head) = try cut(database, before: 4) else {
            Issue.record("not cut")
            return
        }
        #expect(removed == 3 && head.id == 6)
        #expect(try verdict(database) == .intact(3, head, cut: 3))
        let left = try entries(database)
        #expect(left.map(\.id) == [4, 5, 6])
        #expect(left[2].action == "audit.cut" && left[2].actor == "operator:jo" && left[2].object == "audit:3")
        let told = try JSONParser().parse(try #require(left[2].after)).object
        #expect(told?["through"] == .int(3) && told?["removed"] == .int(3))
        #expect(told?["hash"]?.string == Hexadecimal.text(before[2].hash))

        try append(database, 7)
        guard case .intact(4, let later, cut: 3) = try verdict(database, noted: head) else {
            Issue.record("the log does not go on")
            return
        }
        // The next cut takes the entry of the first one along.
        guard case .cut(3, let end) = try cut(database, before: 7) else {
            Issue.record("not cut again")
            return
        }
        #expect(try entries(database).map(\.id) == [7, 8])
        #expect(try verdict(database, noted: later) == .intact(2, end, cut: 6))
    }

    @Test func aLongCutHasSeveralEntriesAndKeepsThem() throws {
        let database = try database(7)
        guard case .cut(6, let head) = try cut(database, before: 7, most: 2) else {
            Issue.record("not cut")
            return
        }
        #expect(try entries(database).map(\.action) == ["thing.7", "audit.cut", "audit.cut", "audit.cut"])
        #expect(try verdict(database) == .intact(4, head, cut: 6))
    }

    @Test func whereNothingIsOldNothingIsWritten() throws {
        let database = try database()
        let before = try verdict(database)
        guard case .cut(0, _) = try cut(database, before: 1) else {
            Issue.record("something went")
            return
        }
        let year = try AuditRetention(database.connection).time(daysAgo: 365)
        #expect(try AuditRetention(database.connection).count(before: year) == 0)
        guard case .cut(0, _) = try AuditRetention(database.connection).cut(before: year, actor: "egiz") else {
            Issue.record("something went")
            return
        }
        #expect(try verdict(database) == before && entries(database).count == 5)
    }

    @Test func allThatIsOlderMayGo() throws {
        let database = try database()
        let later = try time(database, of: 5).microseconds + 1_000_000_000
        let outcome = try AuditRetention(database.connection).cut(
            before: EventTime(microseconds: later), actor: "egiz")
        guard case .cut(5, let head) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try verdict(database) == .intact(1, head, cut: 5))
    }

    @Test func anEndThatWasNotedIsHeldToAsLongAsItIsThere() throws {
        let database = try database()
        let before = try entries(database)
        func head(_ id: Int) -> AuditVerifier.Head { .init(id: Int64(id), hash: before[id - 1].hash) }
        _ = try cut(database, before: 4)
        for id in [3, 4, 5] {
            guard case .intact = try verdict(database, noted: head(id)) else {
                Issue.record("\(id) is not found")
                continue
            }
        }
        isBroken(try verdict(database, noted: head(2)), at: 2, "an end that is gone")
        isBroken(try verdict(database, noted: .init(id: 3, hash: before[1].hash)), at: 3, "another end")
    }

    /// Entries 4 and 5, the cut through 3 is entry 6.
    @Test(
        arguments: [
            // What the triggers let pass: to cut, without an entry that tells of it.
            (
                """
                update egiz.audit_checkpoint set through_id = 5, hash = (select hash from egiz.audit where audit_id = 5);
                delete from egiz.audit where audit_id <= 5
                """, 6
            ),
            (
                """
                update egiz.audit_checkpoint set through_id = 5, hash = (select hash from egiz.audit where audit_id = 5)
                """, 4
            ),
            // What somebody with all rights can do.
            ("\(off); update egiz.audit_checkpoint set through_id = 0, hash = sha256('egiz audit')", 4),
            ("\(off); update egiz.audit_checkpoint set hash = sha256('x')", 4),
            ("\(off); delete from egiz.audit where audit_id = 4", 5),
            ("\(off); update egiz.audit set actor = 'user:2' where audit_id = 4", 4),
            ("\(off); update egiz.audit set after = '{\"through\": 3}' where audit_id = 6", 6),
            (
                """
                \(off); insert into egiz.audit (audit_id, at, actor, actor_name, action, object, previous, hash)
                select 2, at, 'user:2', '', 'thing.2', 'thing:a:2', previous, hash from egiz.audit where audit_id = 4
                """, 2
            ),
            // An entry that says so, but not what was cut.
            (
                """
                insert into egiz.audit (actor, actor_name, action, object, after)
                select 'operator:jo', '', 'audit.cut', 'audit:4', json_build_object('through', 4, 'hash', encode(hash, 'hex'))
                from egiz.audit where audit_id = 4
                """, 4
            ),
            (
                """
                insert into egiz.audit (actor, actor_name, action, object, after)
                values ('operator:jo', '', 'audit.cut', 'audit:99', '{"through": 99, "hash": "00"}')
                """, 7
            ),
        ] as [(String, Int64)])
    func whatIsCutOtherwiseIsFoundOut(sql: String, entry: Int64) throws {
        let database = try database()
        _ = try cut(database, before: 4)
        try database.connection.execute(sql)
        isBroken(try verdict(database), at: entry, sql)
    }

    @Test func entriesThatWereNeverCutAreMissed() throws {
        let database = try database()
        try database.connection.execute(
            """
            update egiz.audit_checkpoint set through_id = 2, hash = (select hash from egiz.audit where audit_id = 2);
            delete from egiz.audit where audit_id <= 2
            """)
        isBroken(try verdict(database), at: 3, "no entry tells of it")
    }

    @Test(arguments: [
        "delete from egiz.audit where audit_id = 4", "delete from egiz.audit", "truncate egiz.audit",
        "update egiz.audit_checkpoint set through_id = 1", "update egiz.audit_checkpoint set hash = sha256('x')",
        "delete from egiz.audit_checkpoint", "truncate egiz.audit_checkpoint",
    ])
    func nothingElseIsTakenOutAndTheCheckpointStays(sql: String) throws {
        let database = try database()
        _ = try cut(database, before: 4)
        let before = try verdict(database)
        let error = #expect(throws: EngineError.self) { try database.connection.execute(sql) }
        #expect(error?.detail == "42501")
        #expect(try verdict(database) == before)
    }

    @Test func aLogThatDoesNotHoldIsNotCut() throws {
        let database = try database()
        let time = try time(database, of: 4)
        try database.connection.execute(
            "alter table egiz.audit disable trigger user; update egiz.audit set actor = 'x' where audit_id = 2")
        let outcome = try AuditRetention(database.connection).cut(before: time, actor: "egiz")
        guard case .broken(2, _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try entries(database).count == 5)
    }
}
