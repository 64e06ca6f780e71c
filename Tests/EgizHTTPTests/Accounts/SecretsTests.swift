import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Nothing secret is written into the log, whatever its level, nor into metrics or problems.
    @Suite struct SecretsTests {
        @Test func noLogMetricOrProblemHasAPasswordOrToken() async throws {
            let recorded = RecordedLog()
            let people = try TestPeople(logger: recorded.logger)
            var said = ""
            func ask(_ method: HTTPRequest.Method, _ uri: String, _ token: String?, _ body: String?) async throws {
                let response = try await people.send(method, uri, token, body)
                if response.status.code >= 400 { said += response.text }
            }
            let maria = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            let key = try await people.json(
                .post, "/api/v1/users/me/api-keys", tokens.access, #"{"name":"k","role":"viewer"}"#, status: .created)
            let keyText = try #require(key["key"]?.string)
            let wrong = "wrong-Passw0rd-that-is-secret"
            for _ in 0..<6 {
                try await ask(
                    .post, "/api/v1/auth/login", nil, #"{"email":"maria@example.com","password":"\#(wrong)"}"#)
            }
            try await ask(
                .post, "/api/v1/auth/login", nil, #"{"email":"\#(wrong)","password":"\#(wrong)","x":"\#(wrong)"}"#)
            try await ask(.post, "/api/v1/auth/register", nil, #"{"email":"x@y","password":"\#(wrong)","name":5}"#)
            try await ask(.get, "/api/v1/users", keyText, nil)
            try await ask(.get, "/api/v1/users/me", tokens.access + "x", nil)
            for _ in 0..<2 {
                try await ask(.post, "/api/v1/auth/refresh", nil, #"{"refreshToken":"\#(tokens.refresh)"}"#)
            }
            try await ask(.get, "/api/v1/users/me", tokens.access, nil)
            try people.api.connection.execute("drop table egiz.api_key cascade")
            await people.people.gate.forget()
            // No answer that the document has.
            let broken = try await people.server.application().test(.router) {
                try await $0.execute(
                    uri: "/api/v1/users/me", method: .get,
                    headers: [.authorization: "Bearer \(keyText)", .requestID: "broken-7"])
            }
            #expect(broken.status == .internalServerError)
            said += broken.text
            let metrics = try await people.send(.get, "/metrics").text

            let log = recorded.text
            #expect(log.contains("a refresh token was used twice") && log.contains("request failed"))
            // Each line says of which request it is.
            let events = ["request answered", "request failed", "used twice", "are locked"]
            let lines = log.split(separator: "\n").filter { line in events.contains { line.contains($0) } }
            #expect(lines.count > 10)
            for line in lines { #expect(line.contains("egiz.http.request-id"), "\(line)") }
            #expect(lines.count { $0.contains("broken-7") } == 2, "that it failed, and what was answered")
            #expect(log.contains("logins of an e-mail address are locked") && log.contains(maria))
            for secret in [TestPeople.password, TestPeople.secret, wrong, tokens.access, tokens.refresh, keyText] {
                for (name, text) in [("log", log), ("metrics", metrics), ("problems", said)] {
                    #expect(!text.contains(secret), "\(name)")
                }
            }
        }
    }
}
