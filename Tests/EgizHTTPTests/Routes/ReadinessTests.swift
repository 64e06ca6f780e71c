import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct ReadinessTests {
        private func ready(_ api: TestAPI, _ checks: [ReadinessCheck] = []) async throws -> TestResponse {
            try await api.server(readiness: { checks }).application().test(.router) {
                try await $0.execute(uri: "/readyz", method: .get)
            }
        }

        @Test func aCurrentSchemaAndGoodChecksAreReady() async throws {
            let response = try await ready(TestAPI(), [ReadinessCheck(name: "kafka", state: .ok)])
            #expect(response.status == .ok)
            #expect(
                response.text
                    == #"{"status":"ready","checks":[{"name":"postgres","state":"ok"},{"name":"kafka","state":"ok"}]}"#)
        }

        @Test func whatIsReadyMayHaveANote() async throws {
            let response = try await ready(TestAPI(), [ReadinessCheck(name: "model", state: .ok, note: "it is away")])
            #expect(response.status == .ok)
            #expect(response.text.contains(#"{"name":"model","state":"ok","note":"it is away"}"#))
        }

        @Test func oneCheckThatDoesNotHoldMakesAllNotReady() async throws {
            let response = try await ready(
                TestAPI(), [ReadinessCheck(name: "kafka", state: .waiting("no broker answers"))])
            #expect(response.status == .serviceUnavailable)
            #expect(response.text.contains(#"{"name":"kafka","state":"waiting","reason":"no broker answers"}"#))
        }

        /// Reasons name hosts and settings.
        @Test func outsideNobodyIsToldWhy() async throws {
            let people = try TestPeople(configure: { $0.host = "0.0.0.0" })
            try people.api.connection.execute("delete from egiz.schema_migration where version = 5")
            let response = try await people.send(.get, "/readyz")
            #expect(response.status == .serviceUnavailable)
            #expect(
                response.text == #"{"status":"not ready","checks":[{"name":"postgres","state":"failed"}]}"#,
                "\(response.text)")
            #expect(try await people.send(.get, "/metrics").status == .unauthorized)
        }

        @Test func aMissingSchemaSaysWhatToRun() async throws {
            let response = try await ready(TestAPI(migrated: false))
            #expect(response.status == .serviceUnavailable && response.text.contains("egiz db migrate"))
        }

        @Test func aNewerSchemaIsNotReady() async throws {
            let api = try TestAPI()
            try api.connection.execute(
                "insert into egiz.schema_migration (version, name, checksum) values (9999, 'later', 'x')")
            let response = try await ready(api)
            #expect(response.status == .serviceUnavailable && response.text.contains("newer"))
        }
    }
}
