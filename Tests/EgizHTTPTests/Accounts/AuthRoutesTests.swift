import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct AuthRoutesTests {
        private static func refresh(_ token: String) -> String { #"{"refreshToken":"\#(token)"}"# }

        @Test func somebodyRegistersAndSignsIn() async throws {
            let people = try TestPeople()
            let id = try await people.register("Maria@Example.com")
            let answer = try await people.json(
                .post, "/api/v1/auth/login", nil,
                #"{"email":"maria@example.com","password":"\#(TestPeople.password)"}"#)
            #expect(answer["tokenType"] == .string("Bearer") && answer["expiresIn"] == .int(900))
            #expect(answer["user"]?["userId"] == .string(id) && answer["user"]?["isAdmin"] == .bool(false))
            let me = try await people.json(.get, "/api/v1/users/me", answer["accessToken"]?.string)
            #expect(me["kind"] == .string("user") && me["email"] == .string("maria@example.com"))
            #expect(me["projects"]?.array?.isEmpty == true)

            let again = try await people.send(
                .post, "/api/v1/auth/register", nil, #"{"email":"maria@example.com","password":"another long one"}"#)
            #expect(again.status == .conflict && people.code(again) == "email-taken")
        }

        @Test(arguments: [
            ("", "/"), ("[]", "/"), (#"{"email":"a@b"}"#, "/password"), (#"{"password":"long enough x"}"#, "/email"),
            (#"{"email":"a@b","password":"short"}"#, "/password"),
            (#"{"email":"nobody","password":"long enough x"}"#, "/email"),
            (#"{"email":"a@b","password":"long enough x","isAdmin":true}"#, "/isAdmin"),
            (#"{"email":"a@b","password":["long enough x"]}"#, "/password"),
        ])
        func aRegistrationThatIsNotCompleteSaysWhere(body: String, pointer: String) async throws {
            let people = try TestPeople()
            let response = try await people.send(.post, "/api/v1/auth/register", nil, body)
            #expect(response.status == .badRequest, "\(body)")
            if pointer != "/" { #expect(response.text.contains("\"pointer\":\"\(pointer)\""), "\(response.text)") }
        }

        @Test func registrationCanBeSwitchedOff() async throws {
            let people = try TestPeople { $0.registrationIsOpen = false }
            let response = try await people.send(
                .post, "/api/v1/auth/register", nil, #"{"email":"a@b","password":"\#(TestPeople.password)"}"#)
            #expect(response.status == .forbidden && people.code(response) == "registration-off")
        }

        /// The same answer whoever does not get in.
        @Test func whoDoesNotGetInLearnsNothing() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            var answers: Set<String> = []
            for (email, password) in [
                ("maria@example.com", "wrong wrong wrong"), ("nobody@example.com", TestPeople.password),
                ("no address", TestPeople.password),
            ] {
                let response = try await people.send(
                    .post, "/api/v1/auth/login", nil, #"{"email":"\#(email)","password":"\#(password)"}"#,
                    headers: [.requestID: "r"])
                #expect(response.status == .unauthorized)
                answers.insert(response.text)
            }
            #expect(answers.count == 1)
        }

        // MARK: Lockout

        @Test func failuresInARowLockTheAddressWhetherOrNotThereIsSuchAnAccount() async throws {
            for email in ["maria@example.com", "nobody@example.com"] {
                let people = try TestPeople()
                if email.hasPrefix("maria") { _ = try await people.register(email) }
                let body = #"{"email":"\#(email)","password":"wrong wrong wrong"}"#
                for _ in 0..<LoginFailures.free {
                    #expect(try await people.send(.post, "/api/v1/auth/login", nil, body).status == .unauthorized)
                }
                let right = #"{"email":"\#(email)","password":"\#(TestPeople.password)"}"#
                let locked = try await people.send(.post, "/api/v1/auth/login", nil, right)
                #expect(locked.status == .tooManyRequests && people.code(locked) == "locked", "\(email)")
                let seconds = Int64(locked.headers[.retryAfter] ?? "") ?? 0
                #expect((1...LoginFailures.first).contains(seconds))

                guard email.hasPrefix("maria") else { continue }
                try people.api.connection.execute("update egiz.login_failure set locked_until = now() - interval '1 s'")
                #expect(try await people.send(.post, "/api/v1/auth/login", nil, right).status == .ok)
                #expect(try people.api.connection.query("select 1 from egiz.login_failure").isEmpty)
            }
        }

        @Test func aLockDoublesUntilAQuarterOfAnHour() throws {
            let api = try TestAPI()
            let failures = LoginFailures(api.connection)
            var locks: [Int64?] = []
            for _ in 0..<12 { locks.append(try failures.count([1])) }
            #expect(locks == [nil, nil, nil, nil, 30, 60, 120, 240, 480, 900, 900, 900])
            #expect(try failures.lock([1]).map { $0 <= 900 && $0 > 890 } == true)
            #expect(try failures.lock([2]) == nil)
        }

        /// None of those that are under way at once passes the lock before those before it are counted.
        @Test func guessesAtOnceAreCountedOneByOne() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let server = people.server
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        let response = try await server.send(
                            .post, "/api/v1/auth/login", nil,
                            #"{"email":"maria@example.com","password":"wrong wrong \#(number)"}"#)
                        return Int(response.status.code)
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 401 }.count == Int(LoginFailures.free))
            #expect(statuses.filter { $0 == 429 }.count == 12 - Int(LoginFailures.free))
        }

        /// Somebody fails to sign in as Maria, who is signed in: she is not kept from choosing another password.
        @Test func whoIsLockedOutByOthersChoosesAnotherPassword() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let wrong = #"{"email":"maria@example.com","password":"wrong wrong wrong"}"#
            for _ in 0..<LoginFailures.free { _ = try await people.send(.post, "/api/v1/auth/login", nil, wrong) }
            #expect(try await people.send(.post, "/api/v1/auth/login", nil, wrong).status == .tooManyRequests)
            func change(_ current: String) async throws -> TestResponse {
                try await people.send(
                    .post, "/api/v1/auth/password", maria.access,
                    #"{"currentPassword":"\#(current)","newPassword":"quite another one"}"#)
            }
            #expect(try await change(TestPeople.password).status == .noContent)
            _ = try await people.login("maria@example.com", password: "quite another one")
        }

        /// Her own guesses are counted, too: a token that was stolen does not make the password guessable.
        @Test func guessesOfThePresentPasswordAreCounted() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let body = #"{"currentPassword":"wrong wrong wrong","newPassword":"quite another one"}"#
            for _ in 0..<LoginFailures.free {
                #expect(try await people.send(.post, "/api/v1/auth/password", maria.access, body).status == .forbidden)
            }
            let locked = try await people.send(.post, "/api/v1/auth/password", maria.access, body)
            #expect(locked.status == .tooManyRequests && people.code(locked) == "locked")
            _ = try await people.login("maria@example.com")
            try AccountSetup(people.api.connection, actor: "test").unlock(email: "maria@example.com")
            #expect(try await people.send(.post, "/api/v1/auth/password", maria.access, body).status == .forbidden)
        }

        /// Nothing of a body or an answer with secrets is kept, so a key would be a promise that is not held.
        @Test func secretsTakeNoIdempotencyKey() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            for (uri, body) in [
                ("auth/login", #"{"email":"maria@example.com","password":"\#(TestPeople.password)"}"#),
                ("auth/register", #"{"email":"jo@example.com","password":"\#(TestPeople.password)"}"#),
                ("users/me/api-keys", #"{"name":"k","role":"viewer"}"#),
                ("projects/\(project)/invitations", #"{"email":"jo@example.com","role":"viewer"}"#),
                ("auth/logout", nil),
            ] as [(String, String?)] {
                let answer = try await people.send(
                    .post, "/api/v1/\(uri)", maria.access, body, headers: [.idempotencyKey: "k1"])
                #expect(answer.status == .badRequest && people.code(answer) == "header", "\(uri): \(answer.text)")
            }
            #expect(try await people.send(.get, "/api/v1/users/me", maria.access).status == .ok, "it is no logout")
        }

        @Test func anAddressThatFailsTooOftenWaits() async throws {
            let people = try TestPeople()
            var statuses: [HTTPResponse.Status] = []
            for number in 0..<45 {
                let body = #"{"email":"x\#(number)@example.com","password":"wrong wrong wrong"}"#
                statuses.append(try await people.send(.post, "/api/v1/auth/login", nil, body).status)
            }
            #expect(statuses.first == .unauthorized && statuses.contains(.tooManyRequests))
        }

        /// The old password was right when it was looked at; by the time the session begins it is not any more.
        @Test func aPasswordThatIsChangedWhileItIsCheckedBeginsNoSession() async throws {
            let people = try TestPeople()
            let user = try await people.register("maria@example.com")
            let (connection, server) = (people.api.connection, people.server)
            try connection.execute("begin; select from egiz.account for update")
            let login = Task {
                try await server.send(
                    .post, "/api/v1/auth/login", nil,
                    #"{"email":"maria@example.com","password":"\#(TestPeople.password)"}"#)
            }
            let watcher = try PostgresConnection(url: people.api.url, applicationName: "egiz-test")
            defer { watcher.close() }
            while try watcher.query("select from pg_locks where not granted").isEmpty {
                try Task.checkCancellation()
                await Task.yield()
            }
            let other = try PasswordHash(of: "another long password", cost: .light).text
            _ = try connection.query(
                "update egiz.account set password_hash = $2 where user_id = $1::text::uuid",
                [.text(user), .text(other)])
            try connection.execute("commit")
            #expect(try await login.value.status == .unauthorized)
            #expect(try connection.query("select from egiz.session").isEmpty)
            // And the hash of the old one does not come back by being renewed.
            let id = try #require(UUIDText(user))
            try AccountQueries(connection).renewHash(id, "old, renewed", of: "old")
            #expect(try AccountQueries(connection).credentials(id)?.passwordHash == other)
        }

        // MARK: Refresh

        @Test func aRefreshTokenIsReplacedByTheNext() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let first = try await people.login("maria@example.com")
            let answer = try await people.json(.post, "/api/v1/auth/refresh", nil, Self.refresh(first.refresh))
            let next = answer["refreshToken"]?.string ?? ""
            #expect(next != first.refresh)
            #expect(try await people.send(.get, "/api/v1/users/me", answer["accessToken"]?.string).status == .ok)
            #expect(try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(next)).status == .ok)
        }

        /// Somebody has copied a token: whoever comes second ends it for both.
        @Test func aRefreshTokenThatComesTwiceEndsItsSession() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let first = try await people.login("maria@example.com")
            let other = try await people.login("maria@example.com")
            let answer = try await people.json(.post, "/api/v1/auth/refresh", nil, Self.refresh(first.refresh))
            #expect(
                try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(first.refresh)).status
                    == .unauthorized)
            let next = answer["refreshToken"]?.string ?? ""
            #expect(
                try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(next)).status == .unauthorized)
            #expect(
                try await people.send(.get, "/api/v1/users/me", answer["accessToken"]?.string).status == .unauthorized)
            #expect(
                try await people.send(.get, "/api/v1/users/me", other.access).status == .ok, "another sign-in goes on")
            let entries = try AuditQueries(people.api.connection).page(
                .init(action: "auth.refresh-reuse"), before: nil, limit: 10
            ).entries
            #expect(entries.count == 1)
        }

        @Test(arguments: ["", "x", "egizr_AAAA", "egiz_AAAA"])
        func whatIsNoRefreshTokenIsRefused(token: String) async throws {
            let people = try TestPeople()
            let response = try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(token))
            #expect(response.status == (token.isEmpty ? .badRequest : .unauthorized))
            let unknown = try await people.send(
                .post, "/api/v1/auth/refresh", nil, Self.refresh(OpaqueToken(.refresh).text))
            #expect(unknown.status == .unauthorized)
        }

        @Test func noTokenOrPasswordIsStored() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let tokens = try await people.login("maria@example.com")
            let rows = try people.api.connection.query(
                """
                select row_to_json(a)::text from egiz.account a union all select row_to_json(s)::text from egiz.session s
                union all select row_to_json(r)::text from egiz.refresh_token r
                union all select row_to_json(l)::text from egiz.audit l
                """)
            let text = rows.compactMap { $0.text(0) }.joined()
            #expect(text.contains("maria@example.com") && text.contains("$scrypt$"))
            for secret in [TestPeople.password, tokens.access, tokens.refresh] { #expect(!text.contains(secret)) }
        }

        // MARK: The end of sessions

        @Test func logoutEndsTheTokenAtOnce() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let (one, two) = (try await people.login("maria@example.com"), try await people.login("maria@example.com"))
            #expect(try await people.send(.post, "/api/v1/auth/logout", one.access).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/users/me", one.access).status == .unauthorized)
            #expect(
                try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(one.refresh)).status
                    == .unauthorized)
            #expect(try await people.send(.get, "/api/v1/users/me", two.access).status == .ok)
            let three = try await people.login("maria@example.com")
            #expect(
                try await people.send(.post, "/api/v1/auth/logout?everywhere=true", three.access).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/users/me", two.access).status == .unauthorized)
        }

        @Test func anotherPasswordEndsAllSessions() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let old = try await people.login("maria@example.com")
            let wrong = try await people.send(
                .post, "/api/v1/auth/password", maria.access,
                #"{"currentPassword":"wrong wrong wrong","newPassword":"quite another one"}"#)
            #expect(wrong.status == .forbidden && people.code(wrong) == "wrong-password")
            let short = try await people.send(
                .post, "/api/v1/auth/password", maria.access,
                #"{"currentPassword":"\#(TestPeople.password)","newPassword":"short"}"#)
            #expect(short.status == .badRequest)
            let changed = try await people.send(
                .post, "/api/v1/auth/password", maria.access,
                #"{"currentPassword":"\#(TestPeople.password)","newPassword":"quite another one"}"#)
            #expect(changed.status == .noContent)
            for token in [maria.access, old.access] {
                #expect(try await people.send(.get, "/api/v1/users/me", token).status == .unauthorized)
            }
            #expect(
                try await people.send(.post, "/api/v1/auth/refresh", nil, Self.refresh(old.refresh)).status
                    == .unauthorized)
            let login = #"{"email":"maria@example.com","password":"\#(TestPeople.password)"}"#
            #expect(try await people.send(.post, "/api/v1/auth/login", nil, login).status == .unauthorized)
            _ = try await people.login("maria@example.com", password: "quite another one")
        }

        @Test func anotherPasswordRevokesKeysWhereItIsAskedTo() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let made = try await people.json(
                .post, "/api/v1/users/me/api-keys", maria.access, #"{"name":"k","role":"viewer"}"#, status: .created)
            let key = made["key"]?.string
            func change(_ token: String, _ query: String, _ old: String, _ new: String) async throws {
                let changed = try await people.send(
                    .post, "/api/v1/auth/password\(query)", token,
                    #"{"currentPassword":"\#(old)","newPassword":"\#(new)"}"#)
                #expect(changed.status == .noContent, "\(changed.text)")
            }
            try await change(maria.access, "", TestPeople.password, "quite another one")
            #expect(try await people.send(.get, "/api/v1/users/me", key).status == .ok)
            let again = try await people.login("maria@example.com", password: "quite another one").access
            try await change(again, "?revokeKeys=true", "quite another one", "and yet another one")
            #expect(try await people.send(.get, "/api/v1/users/me", key).status == .unauthorized)
        }

        @Test func aDisabledUserIsOutAtOnceAndComesBackWhenEnabled() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let maria = try await people.person("maria@example.com")
            let uri = "/api/v1/users/\(maria.id)"
            let disabled = try await people.json(
                .patch, uri, admin.access, #"{"isDisabled":true}"#, headers: [.ifMatch: "*"])
            #expect(disabled["isDisabled"] == .bool(true))
            #expect(try await people.send(.get, "/api/v1/users/me", maria.access).status == .unauthorized)
            let login = #"{"email":"maria@example.com","password":"\#(TestPeople.password)"}"#
            #expect(try await people.send(.post, "/api/v1/auth/login", nil, login).status == .unauthorized)
            _ = try await people.json(.patch, uri, admin.access, #"{"isDisabled":false}"#, headers: [.ifMatch: "*"])
            #expect(
                try await people.send(.get, "/api/v1/users/me", maria.access).status == .unauthorized,
                "sessions have ended")
            _ = try await people.login("maria@example.com")
        }

        /// What another process does is seen within the memory of the gate; here it is asked past it.
        @Test func whatAnotherProcessRevokesIsSeenWithinTwoSeconds() async throws {
            #expect(AccountGate.memory <= .seconds(2))
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            #expect(try await people.send(.get, "/api/v1/users/me", maria.access).status == .ok)
            try AccountSetup(people.api.connection, actor: "test").setDisabled(email: "maria@example.com", true)
            let end = ContinuousClock.now + .seconds(5)
            var status = HTTPResponse.Status.ok
            let start = ContinuousClock.now
            while status == .ok, ContinuousClock.now < end {
                status = try await people.send(.get, "/api/v1/users/me", maria.access).status
            }
            #expect(status == .unauthorized && .now - start < .seconds(3))
        }

        @Test func aHashWithOtherParametersIsRenewedAtTheNextLogin() async throws {
            let people = try TestPeople()
            _ = try await people.register("maria@example.com")
            let cost = try #require(PasswordCost(logN: 4, blockSize: 1, parallelism: 1))
            let weak = try PasswordHash(of: TestPeople.password, cost: cost).text
            _ = try people.api.connection.query("update egiz.account set password_hash = $1", [.text(weak)])
            _ = try await people.login("maria@example.com")
            let stored = try people.api.connection.query("select password_hash from egiz.account").first?.text(0) ?? ""
            #expect(PasswordHash(parsing: stored)?.cost == .light)
            _ = try await people.login("maria@example.com")
        }
    }
}
