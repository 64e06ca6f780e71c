import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// When sessions, keys and invitations end by themselves, and what two who change the same at once may not do.
    @Suite struct SessionEndTests {
        /// Whether something has come to its end.
        private final class Mark: Sendable {
            private let state = Mutex(false)
            var isSet: Bool { state.withLock { $0 } }
            func set() { state.withLock { $0 = true } }
        }

        /// Runs `request` and comes back when it waits for a lock, or has ended.
        private func untilItWaits(
            _ people: TestPeople, _ request: @escaping @Sendable () async throws -> TestResponse
        ) async throws -> Task<TestResponse, any Error> {
            let mark = Mark()
            let task = Task {
                defer { mark.set() }
                return try await request()
            }
            let watcher = try PostgresConnection(url: people.api.url, applicationName: "egiz-test")
            defer { watcher.close() }
            let waits = """
                select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()
                """
            while !mark.isSet, try watcher.query(waits).isEmpty {
                try Task.checkCancellation()
                await Task.yield()
            }
            return task
        }

        private func refresh(_ people: TestPeople, _ token: String) async throws -> HTTPResponse.Status {
            try await people.send(.post, "/api/v1/auth/refresh", nil, #"{"refreshToken":"\#(token)"}"#).status
        }

        private func me(_ people: TestPeople, _ token: String) async throws -> HTTPResponse.Status {
            // What another process has changed, seen at once.
            await people.people.gate.forget()
            return try await people.send(.get, "/api/v1/users/me", token).status
        }

        @Test func aSessionEndsWithItsTimeAndWithItTheTokensThatHaveNotExpired() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            #expect(try await me(people, tokens.access) == .ok)
            try people.api.connection.execute("update egiz.session set expires_at = now()")
            #expect(try await me(people, tokens.access) == .unauthorized)
            #expect(try await refresh(people, tokens.refresh) == .unauthorized)
            try people.api.connection.execute("update egiz.session set expires_at = now() + interval '1 day'")
            #expect(try await me(people, tokens.access) == .ok)
            #expect(try await refresh(people, tokens.refresh) == .ok)
        }

        @Test func nobodyStaysSignedInForMoreThanHalfAYear() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            try people.api.connection.execute("update egiz.session set created_at = now() - interval '181 days'")
            #expect(try await refresh(people, tokens.refresh) == .unauthorized)
        }

        @Test func aRefreshTokenOfASessionThatHasEndedIsRefused() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            #expect(try await people.send(.post, "/api/v1/auth/logout", tokens.access).status == .noContent)
            #expect(try await refresh(people, tokens.refresh) == .unauthorized)
        }

        /// Whatever ends sessions and keys when somebody is disabled: the account alone counts.
        @Test func nothingOfADisabledAccountIsTaken() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            let key = try await people.json(
                .post, "/api/v1/users/me/api-keys", tokens.access, #"{"name":"k","role":"viewer"}"#, status: .created
            )["key"]?.string
            try people.api.connection.execute("update egiz.account set disabled_at = now()")
            #expect(try await me(people, tokens.access) == .unauthorized)
            #expect(try await me(people, try #require(key)) == .unauthorized)
            #expect(try await refresh(people, tokens.refresh) == .unauthorized)
            try people.api.connection.execute("update egiz.account set disabled_at = null")
            #expect(try await me(people, try #require(key)) == .ok)
            #expect(try await refresh(people, tokens.refresh) == .ok)
        }

        @Test func aTokenThatNamesTheSessionOfSomebodyElseIsNone() async throws {
            let people = try TestPeople()
            let jo = try await people.register("jo@example.com")
            _ = try await people.person("maria@example.com")
            let session = try people.api.connection.query("select session_id::text from egiz.session").first?.text(0)
            let token = try await people.people.tokens.sign(
                user: try #require(UUIDText(jo)), session: try #require(session.flatMap { UUIDText($0) }), lifetime: 60)
            #expect(try await me(people, token) == .unauthorized)
        }

        @Test func anInvitationIsOverAfterItsTime() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let project = try await people.project(maria.access)
            let made = try await people.json(
                .post, "/api/v1/projects/\(project)/invitations", maria.access,
                #"{"email":"jo@example.com","role":"editor"}"#, status: .created)
            try people.api.connection.execute("update egiz.invitation set expires_at = now()")
            let body = #"{"token":"\#(made["token"]?.string ?? "")"}"#
            #expect(
                try await people.send(.post, "/api/v1/invitations/accept", jo.access, body).status == .notFound)
            try people.api.connection.execute("update egiz.invitation set expires_at = now() + interval '1 day'")
            #expect(try await people.send(.post, "/api/v1/invitations/accept", jo.access, body).status == .ok)
        }

        // MARK: At once

        @Test func ofTwoChangesOfAPasswordTheSecondMustSayTheFirstOnes() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let (connection, server) = (people.api.connection, people.server)
            try connection.execute("begin; select from egiz.account for update")
            let change = try await untilItWaits(people) {
                try await server.send(
                    .post, "/api/v1/auth/password", maria.access,
                    #"{"currentPassword":"\#(TestPeople.password)","newPassword":"yet another long one"}"#)
            }
            let other = try PasswordHash(of: "another long password", cost: .light).text
            _ = try connection.query("update egiz.account set password_hash = $1", [.text(other)])
            try connection.execute("commit")
            #expect(try await change.value.status == .forbidden)
            let stored = try connection.query("select password_hash from egiz.account").first?.text(0)
            #expect(stored == other)
        }

        @Test func twoAdminsWhoResignAtOnceDoNotBothResign() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let maria = try await people.person("maria@example.com")
            _ = try await people.json(
                .patch, "/api/v1/users/\(maria.id)", admin.access, #"{"isAdmin":true}"#, headers: [.ifMatch: "*"])
            let (connection, server) = (people.api.connection, people.server)
            try connection.execute("begin")
            #expect(try AccountQueries(connection).lockAdmins() == 2)
            let first = try #require(UUIDText(admin.id))
            _ = try AccountQueries(connection).change(first, .init(isAdmin: false))
            let resigning = try await untilItWaits(people) {
                try await server.send(
                    .patch, "/api/v1/users/\(maria.id)", maria.access, #"{"isAdmin":false}"#,
                    headers: [.ifMatch: "*"])
            }
            try connection.execute("commit")
            #expect(try await resigning.value.status == .conflict)
            #expect(try connection.query("select from egiz.account where is_admin").count == 1)
        }
    }
}
