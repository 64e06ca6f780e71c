import EgizPostgres
import HTTPTypes
import Hummingbird
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct IdempotencyKeyTests {
        private func request(_ key: String?, body: String = "{}", owner: String = "u1", path: String = "/things")
            -> APIRequest
        {
            var request = APIRequest(path: path, query: nil, headers: [:], captures: [:])
            request.headers[.idempotencyKey] = key
            request.method = .post
            request.body = Array(body.utf8)
            request.principal = Principal(kind: .user, id: owner, name: "", isAdmin: false)
            return request
        }

        /// Adds a row each time it really runs.
        private func make(_ api: TestAPI, _ request: APIRequest) async throws -> APIAnswer {
            try await api.pool.change(request) { connection in
                let rows = try connection.query("insert into made default values returning id")
                return .created(
                    Array("\(rows.first?.int64(0) ?? 0)".utf8), at: "/things/x", eTag: EntityTag(revision: 1))
            }
        }

        private func count(_ api: TestAPI) throws -> Int64? {
            try api.connection.query("select count(*) from made").first?.int64(0)
        }

        private func api() throws -> TestAPI {
            let api = try TestAPI()
            try api.connection.execute("create table made (id bigint generated always as identity)")
            return api
        }

        @Test func aRequestSentTwiceHappensOnceAndIsAnsweredTheSame() async throws {
            let api = try api()
            let first = try await make(api, request("k"))
            var second = try await make(api, request("k"))
            #expect(!first.isReplayed && second.isReplayed)
            #expect(second.response.headers[.idempotencyReplayed] == "true")
            second.isReplayed = false
            #expect(first == second)
            #expect(try count(api) == 1)
        }

        @Test func otherKeysPeopleAndPathsAreOtherRequestsAndNoKeyIsEachTimeANewOne() async throws {
            let api = try api()
            for request in [
                request("k"), request("k2"), request("k", owner: "u2"), request("k", path: "/others"), request(nil),
                request(nil),
            ] { _ = try await make(api, request) }
            #expect(try count(api) == 6)
        }

        @Test func aKeyCannotBeUsedForSomethingElse() async throws {
            let api = try api()
            _ = try await make(api, request("k"))
            let problem = await #expect(throws: Problem.self) { try await make(api, request("k", body: "[]")) }
            #expect(problem?.status.code == 422 && problem?.code == "idempotency-key-reused")
        }

        @Test func whatFailedKeepsNothing() async throws {
            let api = try api()
            await #expect(throws: Problem.self) {
                try await api.pool.change(request("k")) { connection in
                    _ = try connection.query("insert into made default values")
                    throw Problem.preconditionFailed(current: nil)
                }
            }
            #expect(try count(api) == 0)
            #expect(try await !make(api, request("k")).isReplayed)
        }

        @Test func twoAtOnceHappenOnce() async throws {
            let api = try api()
            let pool = PostgresPool(url: api.url, applicationName: "test", size: 4)
            defer { pool.close() }
            let request = request("k")
            let answers = try await withThrowingTaskGroup(of: APIAnswer.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await pool.change(request) { connection in
                            let rows = try connection.query("insert into made default values returning id")
                            return .json(Array("\(rows.first?.int64(0) ?? 0)".utf8))
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try count(api) == 1)
            #expect(answers.count(where: { !$0.isReplayed }) == 1 && Set(answers.map(\.body)).count == 1)
        }

        @Test func aKeyIsForgottenAfterADay() async throws {
            let api = try api()
            _ = try await make(api, request("k"))
            try api.connection.execute("update egiz.idempotency set kept_until = now() - interval '1 second'")
            #expect(try await !make(api, request("k", body: "[]")).isReplayed)
            _ = try await make(api, request("other"))
            let kept = try api.connection.query("select count(*) from egiz.idempotency").first?.int64(0)
            #expect(kept == 2)
        }

        @Test(arguments: ["", "a b", "ü", String(repeating: "k", count: 256)])
        func keysThatAreNoneAreRefused(key: String) async throws {
            let api = try api()
            await #expect(throws: Problem.self) { try await make(api, request(key)) }
        }
    }
}
