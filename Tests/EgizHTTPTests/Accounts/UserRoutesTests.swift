import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct UserRoutesTests {
        @Test func anAdminMakesListsAndChangesUsers() async throws {
            let people = try TestPeople { $0.registrationIsOpen = false }
            let admin = try await people.admin()
            let body =
                #"{"email":"maria@example.com","password":"\#(TestPeople.password)","name":"Maria","isAdmin":true}"#
            let made = try await people.send(.post, "/api/v1/users", admin.access, body)
            #expect(made.status == .created)
            let uri = try #require(made.headers[.location])
            #expect(try await people.json(.get, uri, admin.access)["name"] == .string("Maria"))

            let all = try await people.json(.get, "/api/v1/users?limit=1", admin.access)
            let next = try #require(all["next"]?.string)
            let rest = try await people.json(.get, "/api/v1/users?limit=1&cursor=\(next)", admin.access)
            #expect(all["items"]?.array?.count == 1 && rest["items"]?.array?.count == 1 && rest["next"] == nil)
            #expect(all["items"]?.array?.first?["userId"] != rest["items"]?.array?.first?["userId"])
            let found = try await people.json(.get, "/api/v1/users?search=MARIA", admin.access)
            #expect(found["items"]?.array?.map { $0["email"] } == [.string("maria@example.com")])
            #expect(try await people.send(.get, "/api/v1/users/nobody", admin.access).status == .notFound)
        }

        @Test func aChangeSaysWhichVersionItChanges() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let maria = try await people.person("maria@example.com")
            let uri = "/api/v1/users/\(maria.id)"
            #expect(try await people.send(.patch, uri, admin.access, #"{"name":"M"}"#).status.code == 428)
            let tag = try #require(try await people.send(.get, uri, admin.access).headers[.eTag])
            #expect(
                try await people.send(.patch, uri, admin.access, #"{"name":"M"}"#, headers: [.ifMatch: tag]).status
                    == .ok)
            let late = try await people.send(.patch, uri, admin.access, #"{"name":"N"}"#, headers: [.ifMatch: tag])
            #expect(late.status == .preconditionFailed)
            let own = try await people.send(
                .patch, "/api/v1/users/me", maria.access, #"{"name":"Maria"}"#, headers: [.ifMatch: "*"])
            #expect(own.status == .ok && own.text.contains(#""name":"Maria""#))
        }

        @Test func theLastAdminStays() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let uri = "/api/v1/users/\(admin.id)"
            for body in [#"{"isAdmin":false}"#, #"{"isDisabled":true}"#] {
                let response = try await people.send(.patch, uri, admin.access, body, headers: [.ifMatch: "*"])
                #expect(response.status == .conflict && people.code(response) == "last-admin")
            }
            let maria = try await people.person("maria@example.com")
            _ = try await people.json(
                .patch, "/api/v1/users/\(maria.id)", admin.access, #"{"isAdmin":true}"#, headers: [.ifMatch: "*"])
            _ = try await people.json(.patch, uri, maria.access, #"{"isAdmin":false}"#, headers: [.ifMatch: "*"])
            #expect(try await people.send(.get, "/api/v1/users", admin.access).status == .forbidden)
        }

        // MARK: API keys

        private func key(_ people: TestPeople, _ token: String, _ body: String) async throws -> (
            key: String, id: String
        ) {
            let made = try await people.json(.post, "/api/v1/users/me/api-keys", token, body, status: .created)
            return (made["key"]?.string ?? "", made["keyId"]?.string ?? "")
        }

        @Test func aKeyIsShownOnceAndWorksWithinItsScope() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let (one, two) = (try await people.project(maria.access), try await people.project(maria.access))
            let key = try await key(
                people, maria.access, #"{"name":"exporter","role":"viewer","projects":["\#(one)"]}"#)
            #expect(key.key.hasPrefix("egiz_"))
            let list = try await people.send(.get, "/api/v1/users/me/api-keys", maria.access)
            #expect(list.text.contains(key.id) && !list.text.contains(key.key))

            #expect(try await people.send(.get, "/api/v1/projects/\(one)", key.key).status == .ok)
            #expect(try await people.send(.get, "/api/v1/projects/\(two)", key.key).status == .notFound)
            let change = try await people.send(
                .patch, "/api/v1/projects/\(one)", key.key, #"{"name":"x"}"#, headers: [.ifMatch: "*"])
            #expect(change.status == .forbidden, "the owner may; the key is a viewer's")
            let me = try await people.json(.get, "/api/v1/users/me", key.key)
            #expect(me["kind"] == .string("apiKey") && me["projects"]?.array?.count == 1)
            for (method, uri) in [
                (HTTPRequest.Method.get, "/api/v1/users/me/api-keys"), (.post, "/api/v1/auth/logout"),
            ] {
                #expect(
                    try await people.send(method, uri, key.key).status == .forbidden,
                    "keys have no account of their own")
            }
            #expect(
                try await people.send(.post, "/api/v1/projects", key.key, #"{"name":"x"}"#).status == .forbidden)
        }

        @Test func aRevokedOrExpiredKeyIsOutAtOnce() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let key = try await key(people, maria.access, #"{"name":"a","role":"owner"}"#)
            #expect(try await people.send(.get, "/api/v1/users/me", key.key).status == .ok)
            let uri = "/api/v1/users/me/api-keys/\(key.id)"
            let other = try await people.person("other@example.com")
            #expect(try await people.send(.delete, uri, other.access).status == .notFound, "others have no say")
            #expect(try await people.send(.delete, uri, maria.access).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/users/me", key.key).status == .unauthorized)
            #expect(try await people.send(.delete, uri, maria.access).status == .notFound)

            let brief = try await self.key(people, maria.access, #"{"name":"b","role":"viewer","expiresInDays":1}"#)
            #expect(try await people.send(.get, "/api/v1/users/me", brief.key).status == .ok)
            try people.api.connection.execute("update egiz.api_key set expires_at = now()")
            await people.people.gate.forget()
            #expect(try await people.send(.get, "/api/v1/users/me", brief.key).status == .unauthorized)
        }

        @Test func aKeyNeverReachesBeyondItsOwner() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let maria = try await people.person("maria@example.com")
            let jo = try await people.person("jo@example.com")
            let project = try await people.project(maria.access)
            try await people.join(project, jo.id, "viewer", by: maria.access)
            let key = try await key(people, jo.access, #"{"name":"a","role":"owner"}"#)
            let change = try await people.send(
                .patch, "/api/v1/projects/\(project)", key.key, #"{"name":"x"}"#, headers: [.ifMatch: "*"])
            #expect(change.status == .forbidden)
            let admins = try await people.send(
                .post, "/api/v1/users/me/api-keys", jo.access, #"{"name":"a","role":"owner","isAdmin":true}"#)
            #expect(admins.status == .forbidden)
            let foreign = try await people.send(
                .post, "/api/v1/users/me/api-keys", jo.access,
                #"{"name":"a","role":"owner","projects":["00000000-0000-0000-0000-000000000001"]}"#)
            #expect(foreign.status == .notFound)
            let lesser = try await self.key(
                people, admin.access, #"{"name":"a","role":"viewer","projects":["\#(project)"]}"#)
            #expect(try await people.send(.get, "/api/v1/projects/\(project)", lesser.key).status == .ok)
            #expect(
                try await people.send(.get, "/api/v1/users", lesser.key).status == .forbidden,
                "an admin's key is no admin")
            let full = try await self.key(people, admin.access, #"{"name":"a","role":"owner","isAdmin":true}"#)
            #expect(try await people.send(.get, "/api/v1/users", full.key).status == .ok)

            _ = try await people.json(
                .patch, "/api/v1/users/\(jo.id)", admin.access, #"{"isDisabled":true}"#, headers: [.ifMatch: "*"])
            #expect(try await people.send(.get, "/api/v1/users/me", key.key).status == .unauthorized)
        }

        // MARK: The local operator

        @Test func whereOthersReachTheServerThereIsNoOperator() {
            var configuration = APIConfiguration(port: 0)
            #expect(configuration.hasLocalOperator)
            configuration.trustedProxies = ["127.0.0.1"]
            #expect(!configuration.hasLocalOperator, "behind a proxy everybody comes from loopback")
            configuration.trustedProxies = []
            configuration.host = "0.0.0.0"
            #expect(!configuration.hasLocalOperator)
            configuration.host = "127.0.0.1"
            configuration.accounts?.demand = .required
            #expect(!configuration.hasLocalOperator)
            configuration.accounts = nil
            #expect(!configuration.hasLocalOperator)
        }

        @Test func loopbackNeedsNoCredentialsAndChecksThoseThatAreSent() async throws {
            let people = try TestPeople(demand: .loopback)
            let me = try await people.json(.get, "/api/v1/users/me")
            #expect(me["kind"] == .string("localOperator") && me["actsAsAdmin"] == .bool(true))
            #expect(try await people.send(.get, "/api/v1/audit").status == .ok)
            #expect(try await people.send(.get, "/api/v1/audit", "wrong").status == .unauthorized)
            let maria = try await people.person("maria@example.com")
            #expect(try await people.send(.get, "/api/v1/audit", maria.access).status == .forbidden)
            for name in [HTTPField.Name.forwarded, .forwardedFor, .realIP] {
                let passedOn = try await people.send(.get, "/api/v1/audit", headers: [name: "192.0.2.1"])
                #expect(passedOn.status == .unauthorized, "a proxy on this machine passes others on")
            }
        }
    }
}
