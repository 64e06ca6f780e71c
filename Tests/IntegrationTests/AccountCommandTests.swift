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

            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            try connection.execute(
                "alter table egiz.audit disable trigger user; update egiz.audit set actor = 'x' where audit_id = 1")
            connection.close()
            let broken = try run(["audit", "verify"], environment)
            #expect(broken.status == 1 && broken.text.contains("BROKEN at entry 1"), "\(broken.text)")
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
