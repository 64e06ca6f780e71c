import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// `egiz user` and `egiz audit` as an operator meets them, and what `egiz api` refuses.
@Suite struct AccountCommandTests {
    private func run(_ arguments: [String], _ environment: [String: String]) throws -> (status: Int32, text: String) {
        let program = try Program("egiz", arguments, environment: environment)
        let status = program.wait()
        // The last bytes may come after the end of the process.
        var text = ""
        _ = eventually(within: 5) {
            defer { text = program.output }
            return !program.output.isEmpty && program.output == text
        }
        return (status, text)
    }

    @Test(.timeLimit(.minutes(2)))
    func usersAreMadeDisabledAndTheLogOfItIsChecked() async throws {
        try await blocking {
            let name = "accounts_\(UUID().uuidString.prefix(8).lowercased())"
            let url = try TestDatabase.create(name)
            defer { TestDatabase.drop(name) }
            let environment = ["EGIZ_DATABASE_URL": url]
            let made = try run(["user", "create", "Maria@Example.com", "--admin"], environment)
            #expect(made.status == 0 && made.text.contains("created maria@example.com"), "\(made.text)")
            let password = try #require(made.text.firstMatch(of: #/password: ([A-Za-z0-9]{20})/#)?.1)
            let again = try run(["user", "create", "maria@example.com"], environment)
            #expect(
                again.status != 0 && again.text.contains("there is an account maria@example.com already"),
                "\(again.text)")
            let disabled = try run(["user", "disable", "maria@example.com"], environment)
            #expect(disabled.status == 0, "\(disabled.text)")
            let list = try run(["user", "list"], environment)
            #expect(list.text.contains("maria@example.com") && list.text.contains("disabled"), "\(list.text)")

            let verified = try run(["audit", "verify"], environment)
            #expect(verified.status == 0 && verified.text.contains("intact: 2 entries"), "\(verified.text)")
            let head = try #require(verified.text.firstMatch(of: #/head (2:[0-9a-f]{64})/#)?.1)
            #expect(try run(["audit", "verify", "--noted", String(head)], environment).status == 0)
            let listed = try run(["audit", "list"], environment)
            #expect(listed.text.contains("user.disable") && listed.text.contains("operator:"), "\(listed.text)")
            #expect(!(verified.text + listed.text + list.text).contains(password))

            let (kept, all) = (["audit", "cut", "--keep", "1d"], ["audit", "cut", "--before", "2999-01-01T00:00:00Z"])
            #expect(try run(kept, environment).text.contains("0 entries are gone"))
            #expect(try run(all + ["--dry-run"], environment).text.contains("2 entries would go"))
            #expect(try run(["audit", "verify"], environment).text.contains("intact: 2 entries\n"))
            let cut = try run(all + ["--noted", String(head)], environment)
            #expect(cut.status == 0 && cut.text.contains("2 entries are gone\nhead 3:"), "\(cut.text)")
            let rest = try run(["audit", "verify", "--noted", String(head)], environment)
            #expect(rest.status == 0 && rest.text.contains("intact: 1 entries; those up to 2 were cut"), "\(rest.text)")
            #expect(try run(["audit", "cut", "--keep", "soon"], environment).status != 0)

            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            try connection.execute(
                "alter table egiz.audit disable trigger user; update egiz.audit set actor = 'x' where audit_id = 3")
            connection.close()
            let broken = try run(["audit", "verify"], environment)
            #expect(broken.status == 1 && broken.text.contains("BROKEN at entry 3"), "\(broken.text)")
            let refused = try run(all, environment)
            #expect(refused.status == 1 && refused.text.contains("nothing was taken away"), "\(refused.text)")
        }
    }

    /// What `egiz alert` does is in the audit log, as what the API does.
    @Test(.timeLimit(.minutes(2)))
    func whatAnOperatorDoesToAnAlertIsWrittenDown() async throws {
        try await blocking {
            let name = "accounts_\(UUID().uuidString.prefix(8).lowercased())"
            let url = try TestDatabase.create(name)
            defer { TestDatabase.drop(name) }
            let environment = ["EGIZ_DATABASE_URL": url]
            #expect(try run(["alert", "list"], environment).status == 0, "the tables are there")
            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            defer { connection.close() }
            try connection.execute(
                """
                insert into egiz.stage (stage, topology, source, partitions) values ('line.events', 'line', 'events', 1)
                    on conflict do nothing;
                insert into egiz.alert (stage, partition, processor, thing_id, alert_key, rule, severity, state, message, raised_at,
                    updated_at, revision)
                values ('line.events', 0, 'alerts', 'org.line:a', 'heat', 'hot', 'critical', 'raised', 'hot', '2026-01-01Z',
                    '2026-01-02Z', 4)
                """)
            #expect(try run(["alert", "ack", "1", "--by", "jo"], environment).status == 0)
            #expect(
                try run(["alert", "assign", "1", "maria", "--note", "valve", "--by", "jo"], environment).status == 0)
            #expect(try run(["alert", "clear", "9"], environment).status != 0)
            let rows = try connection.query(
                "select actor, action, object, after->>'assignee' from egiz.audit order by audit_id")
            #expect(rows.map { $0.text(0) } == ["operator:jo", "operator:jo"])
            #expect(rows.map { $0.text(1) } == ["alert.acknowledge", "alert.assign"])
            #expect(rows.map { $0.text(2) } == ["alert:1", "alert:1"] && rows.last?.text(3) == "maria")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func anAPIKeepsTheAuditLogAsLongAsTheSettingsSay() async throws {
        try await blocking {
            let name = "accounts_\(UUID().uuidString.prefix(8).lowercased())"
            let url = try TestDatabase.create(name)
            defer { TestDatabase.drop(name) }
            var environment = ["EGIZ_DATABASE_URL": url, "EGIZ_HTTP_ADDRESS": "127.0.0.1:0"]
            #expect(try run(["audit", "list"], environment).status == 0)
            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            defer { connection.close() }
            // Entries as they are written, two days ago.
            let append = "pg_get_functiondef('egiz.audit_append'::regproc)"
            let original = try #require(try connection.query("select \(append)").first?.text(0))
            let past = original.replacing("clock_timestamp()", with: "clock_timestamp() - interval '2 days'")
            #expect(past != original)
            let entry = AuditEntry(actor: "user:1", actorName: "", action: "x", object: "y")
            try connection.execute(past)
            for _ in 0..<3 { try AuditWriter.append(connection, entry) }
            try connection.execute(original)
            try AuditWriter.append(connection, entry)
            environment["EGIZ_AUDIT_RETENTION"] = "1d"
            let api = try Program("egiz", ["api"], environment: environment)
            let ids = "select audit_id from egiz.audit order by audit_id"
            let isCut = eventually(within: 30) { (try? connection.query(ids).map { $0.int64(0) }) == [4, 5] }
            #expect(isCut, "\(api.output)")
            #expect(api.stop() == 0, "\(api.output)")
            guard case .intact(2, _, cut: 3) = try AuditVerifier(connection).verify() else {
                Issue.record("the log does not hold")
                return
            }
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            (["EGIZ_HTTP_ADDRESS": "0.0.0.0:0"], "EGIZ_JWT_SECRET_FILE"),
            (["EGIZ_HTTP_ADDRESS": "0.0.0.0:0", "EGIZ_JWT_SECRET": "short"], "EGIZ_JWT_SECRET has 5 bytes"),
            (["EGIZ_JWT_SECRET": "changeme-changeme-changeme-changeme-1234"], "placeholder"),
            (["EGIZ_AUTH": "no"], "EGIZ_AUTH"), (["EGIZ_REGISTRATION": "yes"], "EGIZ_REGISTRATION"),
            (["EGIZ_NAMESPACES": "everybody"], "EGIZ_NAMESPACES"),
            (["EGIZ_AUDIT_RETENTION": "1y"], "EGIZ_AUDIT_RETENTION"),
            (["EGIZ_JWT_ISSUER": "https://id.example"], "EGIZ_JWT_AUDIENCE"),
            (
                [
                    "EGIZ_JWT_ISSUER": "https://id.example", "EGIZ_JWT_AUDIENCE": "egiz",
                    "EGIZ_JWT_JWKS_URL": "http://id.example/keys",
                ], "https"
            ),
            (["EGIZ_ADMIN_EMAIL": "a@b"], "EGIZ_ADMIN_PASSWORD"),
        ])
    func whatIsNotSafeIsRefusedBeforeAnythingStarts(environment: [String: String], word: String) async throws {
        try await blocking {
            // A database that is not there: nothing may wait for it.
            let all = environment.merging(["EGIZ_DATABASE_URL": "postgres://egiz@127.0.0.1:1/egiz"]) { a, _ in a }
            let answer = try run(["api"], all)
            #expect(answer.status != 0 && answer.text.contains(word), "\(answer.text)")
            #expect(!answer.text.contains("changeme"), "the secret is not shown")
        }
    }
}
