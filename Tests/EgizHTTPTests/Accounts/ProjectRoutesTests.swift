import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct ProjectRoutesTests {
        private static let any: HTTPFields = [.ifMatch: "*"]

        @Test func aProjectIsTheirsWhoBelongToIt() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let made = try await people.send(
                .post, "/api/v1/projects", maria.access, #"{"name":"line 3","description":"hall 2"}"#)
            #expect(made.status == .created)
            let uri = try #require(made.headers[.location])
            let project = try await people.json(.get, uri, maria.access)
            #expect(project["role"] == .string("owner") && project["description"] == .string("hall 2"))
            #expect(try await people.json(.get, "/api/v1/projects", maria.access)["items"]?.array?.count == 1)
            #expect(try await people.json(.get, "/api/v1/projects", jo.access)["items"]?.array?.isEmpty == true)
            let hidden = try await people.send(.get, uri, jo.access)
            let missing = try await people.send(
                .get, "/api/v1/projects/00000000-0000-0000-0000-000000000001", jo.access)
            #expect(hidden.status == .notFound && missing.status == .notFound)
            #expect(people.code(hidden) == people.code(missing), "nothing says that it is there")

            let tag = try #require(try await people.send(.get, uri, maria.access).headers[.eTag])
            #expect(try await people.send(.patch, uri, maria.access, #"{"name":"4"}"#).status.code == 428)
            let changed = try await people.json(.patch, uri, maria.access, #"{"name":"4"}"#, headers: [.ifMatch: tag])
            #expect(changed["name"] == .string("4") && changed["description"] == .string("hall 2"))
            #expect(
                try await people.send(.delete, uri, maria.access, headers: [.ifMatch: tag]).status
                    == .preconditionFailed)
            #expect(try await people.send(.delete, uri, maria.access, headers: [.ifMatch: "*"]).status == .noContent)
            #expect(try await people.send(.get, uri, maria.access).status == .notFound)
        }

        @Test func aProjectThatIsAskedForTwiceWithOneKeyIsMadeOnce() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            var ids: Set<String> = []
            for _ in 0..<2 {
                let made = try await people.json(
                    .post, "/api/v1/projects", maria.access, #"{"name":"a"}"#, status: .created,
                    headers: [.idempotencyKey: "k1"])
                ids.insert(made["projectId"]?.string ?? "")
            }
            #expect(ids.count == 1)
        }

        // MARK: Members

        @Test func theLastOwnerStays() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let project = try await people.project(maria.access)
            let members = "/api/v1/projects/\(project)/members"
            for attempt in 0..<2 {
                let lesser = try await people.send(
                    .put, "\(members)/\(maria.id)", maria.access, #"{"role":"editor"}"#, headers: Self.any)
                #expect(lesser.status == .conflict && people.code(lesser) == "last-owner")
                #expect(
                    try await people.send(.delete, "\(members)/\(maria.id)", maria.access, headers: Self.any).status
                        == .conflict)
                if attempt == 0 { try await people.join(project, jo.id, "editor", by: maria.access) }
            }
            _ = try await people.json(
                .put, "\(members)/\(jo.id)", maria.access, #"{"role":"owner"}"#, headers: Self.any)
            #expect(
                try await people.send(.delete, "\(members)/\(maria.id)", maria.access, headers: Self.any).status
                    == .noContent)
            #expect(try await people.send(.get, members, maria.access).status == .notFound)
            #expect(
                try await people.send(.delete, "\(members)/\(jo.id)", jo.access, headers: Self.any).status == .conflict)
        }

        @Test func twoOwnersWhoLeaveAtOnceDoNotBothLeave() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let project = try await people.project(maria.access)
            try await people.join(project, jo.id, "owner", by: maria.access)
            let id = try #require(ProjectID(project))
            let (first, second) = (try #require(UUIDText(maria.id)), try #require(UUIDText(jo.id)))
            // The row lock of the project puts them in order: what the second one counts is what the first one left.
            let (connection, server) = (people.api.connection, people.server)
            try connection.execute("begin")
            _ = try ProjectQueries(connection).project(id, lock: true)
            async let leaving = server.send(
                .delete, "/api/v1/projects/\(project)/members/\(jo.id)", jo.access, headers: Self.any)
            #expect(try ProjectQueries(connection).otherOwners(than: first, in: id) == 1)
            _ = try ProjectQueries(connection).removeMember(first, from: id)
            try connection.execute("commit")
            #expect(try await leaving.status == .conflict)
            #expect(try ProjectQueries(connection).member(second, of: id)?.role == .owner)
        }

        /// Whoever adds a belonging takes these locks in this order: the other way round, each would wait for the other.
        @Test func aDeletionWaitsForWhoChangesBelongingsBeforeItLocksTheProject() async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            let id = try #require(ProjectID(project))
            let (connection, server) = (people.api.connection, people.server)
            try connection.execute("begin; set local lock_timeout = '1s'")
            try ProjectQueries(connection).lockBelongings()
            async let deleting = server.send(
                .delete, "/api/v1/projects/\(project)", maria.access, headers: Self.any)
            while try connection.query(
                "select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())"
            ).isEmpty {
                try Task.checkCancellation()
                await Task.yield()
            }
            let found = try? ProjectQueries(connection).project(id, lock: true)
            try connection.execute("commit")
            #expect(found != nil, "nobody else has locked it")
            #expect(try await deleting.status == .noContent)
        }

        @Test func onlyOwnersManageAndEverybodyMayLeave() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let kim = try await people.person("kim@example.com")
            let project = try await people.project(maria.access)
            try await people.join(project, jo.id, "editor", by: maria.access)
            try await people.join(project, kim.id, "viewer", by: maria.access)
            let members = "/api/v1/projects/\(project)/members"
            #expect(
                try await people.send(.put, "\(members)/\(jo.id)", jo.access, #"{"role":"owner"}"#).status == .forbidden
            )
            #expect(try await people.send(.delete, "\(members)/\(kim.id)", jo.access).status == .forbidden)
            #expect(
                try await people.send(.delete, "\(members)/\(jo.id)", jo.access, headers: Self.any).status == .noContent
            )
            #expect(try await people.send(.get, members, jo.access).status == .notFound, "the role ends at once")
            let list = try await people.json(.get, members, kim.access)
            #expect(list["items"]?.array?.map { $0["role"] } == [.string("owner"), .string("viewer")])
            let unknown = "00000000-0000-0000-0000-000000000001"
            #expect(
                try await people.send(.put, "\(members)/\(unknown)", maria.access, #"{"role":"viewer"}"#).status
                    == .notFound)
            #expect(
                try await people.send(.put, "\(members)/\(kim.id)", maria.access, #"{"role":"king"}"#).status
                    == .badRequest)
        }

        @Test func twoOwnersDoNotUndoEachOthersWordUnseen() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let project = try await people.project(maria.access)
            let member = "/api/v1/projects/\(project)/members/\(jo.id)"
            #expect(try await people.send(.get, member, maria.access).status == .notFound)
            try await people.join(project, jo.id, "viewer", by: maria.access)
            let read = try await people.send(.get, member, jo.access)
            let tag = try #require(read.headers[.eTag])
            #expect(read.status == .ok && read.text.contains(#""role":"viewer""#))
            let editor = #"{"role":"editor"}"#
            #expect(try await people.send(.put, member, maria.access, editor).status.code == 428)
            let changed = try await people.send(.put, member, maria.access, editor, headers: [.ifMatch: tag])
            #expect(changed.status == .ok && changed.headers[.eTag] != tag)
            for (method, body) in [(HTTPRequest.Method.put, #"{"role":"owner"}"#), (.delete, nil)] {
                let late = try await people.send(method, member, maria.access, body, headers: [.ifMatch: tag])
                #expect(late.status == .preconditionFailed)
            }
            #expect(try await people.send(.delete, member, maria.access).status.code == 428)
        }

        /// The gate remembers for two seconds that the project is there.
        @Test func aProjectThatAnotherProcessHasJustDeletedIsNotThere() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            for (method, path, body) in [
                (HTTPRequest.Method.put, "members/\(jo.id)", #"{"role":"viewer"}"#),
                (.post, "namespaces", #"{"namespace":"org.gone"}"#), (.post, "things", #"{"thingId":"org.gone:a"}"#),
                (.post, "invitations", #"{"email":"kim@example.com","role":"viewer"}"#),
            ] {
                let project = try await people.project(maria.access)
                #expect(try await people.send(.get, "/api/v1/projects/\(project)", maria.access).status == .ok)
                try people.api.connection.execute("delete from egiz.project")
                let answer = try await people.send(method, "/api/v1/projects/\(project)/\(path)", maria.access, body)
                #expect(answer.status == .notFound, "\(path): \(answer.text)")
            }
        }

        // MARK: Invitations

        @Test func anInvitationIsForOneAddressAndOneTime() async throws {
            let people = try TestPeople { $0.registrationIsOpen = false }
            let admin = try await people.admin()
            let project = try await people.project(admin.access)
            let uri = "/api/v1/projects/\(project)/invitations"
            let made = try await people.json(
                .post, uri, admin.access, #"{"email":"Maria@example.com","role":"editor"}"#, status: .created)
            let token = try #require(made["token"]?.string)
            let list = try await people.send(.get, uri, admin.access)
            #expect(list.text.contains("maria@example.com") && !list.text.contains(token))

            func register(_ email: String) async throws -> TestResponse {
                try await people.send(
                    .post, "/api/v1/auth/register", nil,
                    #"{"email":"\#(email)","password":"\#(TestPeople.password)","invitation":"\#(token)"}"#)
            }
            #expect(try await register("jo@example.com").status == .notFound)
            #expect(try await register("maria@example.com").status == .created, "although registration is off")
            #expect(try await register("maria2@example.com").status == .notFound)
            let maria = try await people.login("maria@example.com")
            #expect(
                try await people.json(.get, "/api/v1/projects/\(project)", maria.access)["role"] == .string("editor"))
            #expect(try await people.json(.get, uri, admin.access)["items"]?.array?.isEmpty == true)
        }

        @Test func whoHasAnAccountAcceptsWithItAndLosesNoRole() async throws {
            let people = try TestPeople()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            let project = try await people.project(maria.access)
            let uri = "/api/v1/projects/\(project)/invitations"
            func invite(_ role: String) async throws -> (token: String, id: String) {
                let made = try await people.json(
                    .post, uri, maria.access, #"{"email":"jo@example.com","role":"\#(role)"}"#, status: .created)
                return (made["token"]?.string ?? "", made["invitationId"]?.string ?? "")
            }
            func accept(_ token: String, _ access: String) async throws -> TestResponse {
                try await people.send(.post, "/api/v1/invitations/accept", access, #"{"token":"\#(token)"}"#)
            }
            let first = try await invite("editor")
            let second = try await invite("editor")
            #expect(try await accept(first.token, jo.access).status == .notFound, "another one replaces it")
            #expect(try await accept(second.token, maria.access).status == .notFound, "it is for somebody else")
            #expect(try await accept(second.token, jo.access).text.contains(#""role":"editor""#))
            #expect(try await accept(second.token, jo.access).status == .notFound)
            let lesser = try await invite("viewer")
            #expect(try await accept(lesser.token, jo.access).text.contains(#""role":"editor""#))
            let withdrawn = try await invite("owner")
            #expect(try await people.send(.delete, "\(uri)/\(withdrawn.id)", maria.access).status == .noContent)
            #expect(try await accept(withdrawn.token, jo.access).status == .notFound)
            #expect(try await people.send(.get, uri, jo.access).status == .forbidden)
        }

        // MARK: What belongs to projects

        @Test func thingsBelongByNamespaceOrByRegistration() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            let (maria, jo) = (try await people.person("maria@example.com"), try await people.person("jo@example.com"))
            try people.api.commit(
                twins: ["org.a:1", "org.a:2", "org.b:1"].map {
                    try TestAPI.twin($0, document: #"{"thingId":"\#($0)"}"#)
                })
            let (a, b) = (try await people.project(maria.access), try await people.project(jo.access))
            let namespaces = "/api/v1/projects/\(a)/namespaces"
            let body = #"{"namespace":"org.a"}"#
            let exists = try await people.send(.post, namespaces, maria.access, body)
            #expect(exists.status == .forbidden && people.code(exists) == "things-exist")
            #expect(try await people.send(.get, "/api/v1/twins/org.a:1", maria.access).status == .notFound)
            _ = try await people.json(.post, namespaces, admin.access, body, status: .created)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:1", maria.access).status == .ok)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:1", jo.access).status == .notFound)
            #expect(try await people.send(.get, "/api/v1/twins/org.b:1", maria.access).status == .notFound, "nobody's")
            #expect(try await people.send(.get, "/api/v1/twins/org.b:1", admin.access).status == .ok)
            let taken = try await people.send(.post, "/api/v1/projects/\(b)/namespaces", jo.access, body)
            #expect(taken.status == .conflict && people.code(taken) == "namespace-taken")

            // One thing of the namespace goes elsewhere.
            let things = "/api/v1/projects/\(b)/things"
            let thing = #"{"thingId":"org.a:2"}"#
            #expect(try await people.send(.post, things, jo.access, thing).status == .conflict)
            #expect(try await people.send(.post, things, jo.access, #"{"thingId":"org.b:1"}"#).status == .forbidden)
            _ = try await people.json(.post, things, admin.access, thing, status: .created)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:2", jo.access).status == .ok)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:2", maria.access).status == .notFound)
            #expect(try await people.send(.delete, "\(things)/org.a:2", jo.access).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:2", maria.access).status == .ok)

            let list = try await people.json(.get, namespaces, maria.access)
            #expect(list["items"]?.array?.map { $0["namespace"] } == [.string("org.a")])
            #expect(try await people.send(.delete, "\(namespaces)/org.a", maria.access).status == .noContent)
            #expect(try await people.send(.get, "/api/v1/twins/org.a:1", maria.access).status == .notFound)
            #expect(try await people.send(.delete, "\(namespaces)/org.a", maria.access).status == .notFound)
        }

        @Test(arguments: ["", ":", "a:b", "1a", "a..b", " ", "a/b"])
        func aNamespaceIsWhatStandsBeforeTheColon(namespace: String) async throws {
            let people = try TestPeople()
            let maria = try await people.person("maria@example.com")
            let project = try await people.project(maria.access)
            let response = try await people.send(
                .post, "/api/v1/projects/\(project)/namespaces", maria.access, #"{"namespace":"\#(namespace)"}"#)
            #expect(response.status == .badRequest)
        }

        @Test func theConditionOfAScopeFindsWhatTheFunctionFinds() async throws {
            let people = try TestPeople()
            let admin = try await people.admin()
            try people.api.commit(
                twins: ["org.a:1", "org.a:2", "org.b:1", "org.b:2", "org.c:1"].map {
                    try TestAPI.twin($0, document: #"{"thingId":"\#($0)"}"#)
                })
            let (a, b) = (
                try await people.project(admin.access, namespace: "org.a"),
                try await people.project(admin.access, namespace: "org.b")
            )
            for (project, thing) in [(b, "org.a:2"), (a, "org.c:1"), (b, "org.b:2")] {
                _ = try await people.json(
                    .post, "/api/v1/projects/\(project)/things", admin.access, #"{"thingId":"\#(thing)"}"#,
                    status: .created)
            }
            for scope in [[a], [b], [a, b], []].map({ AccessScope.projects($0.compactMap { ProjectID($0) }) }) {
                let condition = try #require(scope.condition(thing: "thing_id", at: 1))
                let one = try people.api.connection.query(
                    "select thing_id from egiz.twin where \(condition) order by 1", [scope.parameter])
                let other = try people.api.connection.query(
                    "select thing_id from egiz.twin where egiz.project_of(thing_id) = any ($1::uuid[]) order by 1",
                    [scope.parameter])
                #expect(one.map { $0.text(0) } == other.map { $0.text(0) })
            }
            #expect(AccessScope.all.condition(thing: "thing_id", at: 1) == nil)
            for scope in [[a], [b], [a, b], []].map({ AccessScope.projects($0.compactMap { ProjectID($0) }) }) {
                let expected = try people.api.connection.query(
                    "select thing_id from egiz.twin where egiz.project_of(thing_id) = any ($1::uuid[]) order by 1",
                    [scope.parameter]
                ).compactMap { $0.text(0) }
                let queries = TwinQueries(pool: people.api.pool)
                var found: [String] = []
                var hasMore = true
                while hasMore, found.count < 10 {
                    let page = try await queries.page(
                        TwinQueries.Filter(scope: scope), after: found.last, limit: 1, documents: false)
                    found += page.twins.map(\.thing)
                    hasMore = page.hasMore
                }
                #expect(found == expected)
            }
        }

        /// Each namespace is a range of the index on things, whatever else the table holds.
        @Test func aListOfAScopeReadsRangesOfTheIndex() throws {
            let api = try TestAPI()
            let sql = AccessScope.projects([]).select(
                "twin.thing_id", from: "egiz.twin", thing: "twin.thing_id", where: "not twin.deleted",
                order: "twin.thing_id", limit: "10", at: 1)
            try api.connection.execute("set enable_seqscan = off")
            let plan = try api.connection.query("explain (costs off) \(sql)", [.textArray([])]).compactMap {
                $0.text(0)
            }
            let ranges = plan.filter { $0.contains("Index Cond") && $0.contains("owned.namespace || ':'") }
            #expect(!ranges.isEmpty, "\(plan.joined(separator: "\n"))")
        }
    }
}
