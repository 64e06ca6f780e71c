import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// Reading dead letters. What changes them runs against a worker in `IntegrationTests`.
    @Suite struct DeadLetterRoutesTests {
        private func api() throws -> TestAPI {
            let api = try TestAPI()
            try api.commit()
            try api.connection.execute(
                """
                insert into egiz.dead_letter (
                    stage, topic, partition, incarnation, "offset", record_time, key, value, headers, code, message, thing_id,
                    disposition, attempts, retry_at)
                values
                    ('line.events', 'twins', 0, 1, 1, '2026-01-01Z', 'a:b', '{"a":1}', '[["h","aGk="],["n",null]]', 'merge',
                     'no thing', 'a:b', 'parked', 1, null),
                    ('line.events', 'twins', 0, 1, 2, '2026-01-01Z', 'a:b', null, '[]', 'queued', 'an earlier', 'a:b', 'parked', 0, null),
                    ('line.events', 'twins', 0, 1, 3, '2026-01-01Z', null, '\\xff00', '[]', 'json', 'not "UTF-8"', null, 'dead', 1,
                     '2026-01-01T00:00:30Z')
                """)
            return api
        }

        @Test func theListHasParkedThingsAndPagesOfLetters() async throws {
            let api = try api()
            let first = try await api.json("/api/v1/dead-letters?limit=2")
            #expect(first["items"]?.array?.map { $0["offset"] } == [.int(3), .int(2)])
            let thing = try #require(first["parkedThings"]?.array?.first)
            #expect(
                thing["thingId"] == .string("a:b") && thing["waiting"] == .int(2) && thing["code"] == .string("merge"))
            let cursor = try #require(first["cursor"]?.string)
            let second = try await api.json("/api/v1/dead-letters?limit=2&cursor=\(cursor)")
            #expect(second["items"]?.array?.map { $0["offset"] } == [.int(1)] && second["cursor"] == nil)
            #expect(try await api.get("/api/v1/dead-letters?code=json&cursor=\(cursor)").status == .badRequest)
        }

        @Test func filtersRestrictAndNonsenseIsRefused() async throws {
            let api = try api()
            for (query, count) in [
                ("code=json", 1), ("thing=a:b", 2), ("disposition=dead", 1), ("topology=line&source=events", 3),
                ("topology=x", 0), ("since=2199-01-01T00:00:00Z", 0),
            ] {
                #expect(try await api.json("/api/v1/dead-letters?\(query)")["items"]?.array?.count == count, "\(query)")
            }
            for query in ["thing=x", "disposition=gone", "since=yesterday", "codes=json"] {
                #expect(try await api.get("/api/v1/dead-letters?\(query)").status == .badRequest, "\(query)")
            }
        }

        @Test func aLetterComesWithItsBytesExactly() async throws {
            let api = try api()
            let parked = try await api.json("/api/v1/dead-letters/1")
            #expect(parked["value"]?["utf8"] == .string(#"{"a":1}"#) && parked["key"]?["utf8"] == .string("a:b"))
            let headers = try #require(parked["headers"]?.array)
            #expect(headers[0]["value"]?["utf8"] == .string("hi") && headers[1]["value"] == .null)
            #expect(try await api.json("/api/v1/dead-letters/2")["value"] == .null)
            let bad = try await api.json("/api/v1/dead-letters/3")
            #expect(bad["value"]?["base64"] == .string("/wA=") && bad["key"] == .null)
            #expect(bad["message"] == .string(#"not "UTF-8""#))
            #expect(bad["retryAt"] == .string("2026-01-01T00:00:30Z") && parked["retryAt"] == .null)
        }

        @Test func whatIsNotThereIs404() async throws {
            let api = try api()
            #expect(try await api.get("/api/v1/dead-letters/99").status == .notFound)
            #expect(try await api.get("/api/v1/redrives/1").status == .notFound)
            for path in ["dead-letters/x", "dead-letters/0", "dead-letters/-1", "redrives/1.5"] {
                #expect(try await api.get("/api/v1/\(path)").status == .badRequest, "\(path)")
            }
        }

        @Test func anOrderIsStoredForTheOwnersAndCanBeFollowed() async throws {
            let api = try api()
            let response = try await api.server().application().test(.router) {
                try await $0.execute(
                    uri: "/api/v1/dead-letters/redrive", method: .post, headers: [.contentType: "application/json"],
                    body: ByteBuffer(string: #"{"action":"discard","ids":[3,99],"rate":7,"dryRun":false}"#))
            }
            #expect(response.status == .accepted)
            let answer = try JSONParser().parse(Array(buffer: response.body))
            #expect(answer["letters"] == .int(1) && answer["missing"]?.array == [.int(99)])
            let request = try #require(answer["requests"]?.array?.first)
            #expect(request["owner"] == .string("host-a") && request["state"] == .string("open"))
            guard case .int(let id) = request["id"] else { throw Problem.internalError }
            #expect(try await api.json("/api/v1/redrives/\(id)") == request)
            let rows = try api.connection.query("select letters, rate, action from egiz.redrive")
            #expect(rows.count == 1 && rows[0].int64Array(0) == [3] && rows[0].int64(1) == 7)
            #expect(rows[0].text(2) == "discard")
        }

        @Test func anOrderThatIsSentTwiceWithOneKeyIsOneOrder() async throws {
            let api = try api()
            var answers: Set<String> = []
            for _ in 0..<2 {
                let response = try await api.server().send(
                    .post, "/api/v1/dead-letters/redrive", nil, #"{"action":"retry","ids":[3],"dryRun":false}"#,
                    headers: [.idempotencyKey: "k1"])
                #expect(response.status == .accepted)
                answers.insert(response.text)
            }
            #expect(answers.count == 1)
            #expect(try api.connection.query("select from egiz.redrive").count == 1)
            #expect(try api.connection.query("select from egiz.audit where action = 'dead-letter.retry'").count == 1)
        }

        @Test func aLetterHasATagOfItsLastEdit() async throws {
            let api = try api()
            #expect(try await api.get("/api/v1/dead-letters/1").headers[.eTag] == #""rev:0""#)
            try api.connection.execute(
                "update egiz.dead_letter set edited_value = 'x', edited_at = '2026-01-01Z' where dead_letter_id = 1")
            #expect(try await api.get("/api/v1/dead-letters/1").headers[.eTag] == #""rev:1767225600000000""#)
        }

        /// A process that cannot read topologies does not guess the format.
        @Test func withoutTopologiesNothingIsEditedOrRehearsed() async throws {
            let api = try api()
            let edited = try await api.server().application().test(.router) {
                try await $0.execute(
                    uri: "/api/v1/dead-letters/1", method: .patch, headers: [.contentType: "application/json"],
                    body: ByteBuffer(string: "{}"))
            }
            #expect(edited.status == .conflict)
            #expect(try api.connection.query("select from egiz.dead_letter where edited_at is not null").isEmpty)
        }
    }
}
