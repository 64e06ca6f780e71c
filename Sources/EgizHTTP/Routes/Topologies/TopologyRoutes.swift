import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/topologies/…`: check, deploy, compare, go back, pause and resume; what `egiz topology` does at the command line.
///
/// For admins: topologies read and write whatever Kafka has, and their texts may hold secrets.
struct TopologyRoutes: Sendable {
    let pool: PostgresPool
    /// Nil: topologies cannot be read here, so nothing can be checked or deployed.
    let setup: RehearsalSetup?

    private static let one = "/api/v1/topologies/{topology}"
    private static let allowances = ["allowRemovedStages", "allowOtherTopics"]
    /// Types that no form of a web page can send.
    private static let yaml = APIRoute.Writing(
        method: .post, accepts: ["application/yaml", "application/x-yaml", "text/yaml"], largest: 1 << 20)

    var routes: [APIRoute] {
        [
            APIRoute(
                "/api/v1/topologies", access: .admin, parameters: ["dryRun"] + Self.allowances, writing: Self.yaml,
                handler: apply),
            APIRoute("/api/v1/topologies/validate", access: .admin, writing: Self.yaml, handler: validate),
            APIRoute("/api/v1/topologies/diff", access: .admin, writing: Self.yaml, handler: diffText),
            APIRoute(Self.one, access: .admin, parameters: ["version"], handler: topology),
            APIRoute(Self.one, access: .admin, writing: .bodyless(.delete)) { try await setState(.deleted, $0) },
            APIRoute(Self.one + "/versions", access: .admin, parameters: ["limit", "cursor"], handler: versions),
            APIRoute(Self.one + "/diff", access: .admin, parameters: ["from", "to"], handler: diffVersions),
            APIRoute(Self.one + "/rollback", access: .admin, writing: .json(.post, largest: 4096), handler: rollBack),
            APIRoute(Self.one + "/pause", access: .admin, writing: .bodyless(.post)) {
                try await setState(.paused, $0)
            },
            APIRoute(Self.one + "/resume", access: .admin, writing: .bodyless(.post)) {
                try await setState(.running, $0)
            },
        ]
    }

    func reader() throws(Problem) -> RehearsalSetup {
        guard let setup else { throw .noRehearsal("this process cannot read topologies") }
        return setup
    }

    static func name(_ request: APIRequest) throws(Problem) -> String {
        guard let name = request.captures["topology"].flatMap({ PercentText.decode($0) }), !name.utf8.contains(0) else {
            throw .noSuchTopology("")
        }
        return name
    }

    /// What the deployer cannot do is for the one who asks; anything else is ours.
    static func deploying<T>(_ body: () throws(EngineError) -> T) throws -> T {
        do throws(EngineError) {
            return try body()
        } catch {
            guard error.code == .topology else { throw error }
            throw Problem(
                code: "topology", status: .conflict, title: "That cannot be done with the topology",
                detail: "\(error.message).")
        }
    }

    // MARK: Reading

    private func topology(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["version"])
        let asked = reader.version("version")
        try reader.finish()
        let name = try Self.name(request)
        let (deployment, version) = try await pool.run { connection -> (Deployment?, TopologyVersion) in
            try connection.execute("begin isolation level repeatable read, read only")
            let store = PostgresDeploymentStore(reading: connection)
            let deployment = try store.snapshot().deployment(name)
            guard let version = try store.version(asked ?? deployment?.wantedVersion, of: name) else {
                throw Problem.noSuchTopology(name)
            }
            return (deployment, version)
        }
        var out = JSONOutput(capacity: version.text.utf8.count + 512)
        out.beginObject()
        out.member("name", name)
        out.member("state", deployment?.state.rawValue)
        out.member("wantedVersion", deployment?.wantedVersion)
        out.member("runningVersion", deployment?.runningVersion)
        Self.members(version, into: &out)
        out.member("text", version.text)
        out.endObject()
        let tag =
            version.version == deployment?.wantedVersion
            ? deployment.map(Self.tag) : EntityTag(revision: version.version)
        return .json(out.bytes, headers: tag.map { [.eTag: $0.text] } ?? [:])
    }

    private static func members(_ version: TopologyVersion, into out: inout JSONOutput) {
        out.member("version", version.version)
        out.member("appliedAt", EventTime(microseconds: version.appliedAt).text)
        out.member("origin", version.origin)
    }

    private func versions(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let name = try Self.name(request)
        let cursor = reader.cursor(.versions, question: [name])
        try reader.finish()
        let before = cursor.flatMap { Int64($0.place) }
        let found = try await pool.run { connection in
            try connection.execute("begin read only")
            return try PostgresDeploymentStore(reading: connection).versions(of: name, before: before, limit: limit)
        }
        if found.isEmpty, before == nil { throw Problem.noSuchTopology(name) }
        var out = JSONOutput(capacity: 128 * found.count + 64)
        out.beginObject()
        out.member("name", name)
        out.key("items")
        out.beginArray()
        for version in found.prefix(limit) {
            out.beginObject()
            Self.members(version, into: &out)
            out.endObject()
        }
        out.endArray()
        if found.count > limit {
            out.next(PageCursor(.versions, question: [name], place: "\(found[limit - 1].version)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    static func versions(_ name: String, _ pool: PostgresPool) async throws -> [TopologyVersion] {
        let versions = try await pool.run { connection in
            try connection.execute("begin read only")
            return try PostgresDeploymentStore(reading: connection).versions(of: name)
        }
        guard !versions.isEmpty else { throw Problem.noSuchTopology(name) }
        return versions
    }

    // MARK: Deploying

    private func validate(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        return .json(PlanText.json(try reader().load(try Self.text(request))))
    }

    private static func text(_ request: APIRequest) throws(Problem) -> String {
        guard let text = String(validating: request.body, as: UTF8.self), !request.body.contains(0) else {
            throw .invalidBody([.init(pointer: "", detail: "The body must be YAML in UTF-8.")])
        }
        return text
    }

    /// The topology of the body, or every fault of it.
    static func load(_ request: APIRequest, _ setup: RehearsalSetup) throws(Problem) -> Topology {
        let loaded = setup.load(try text(request))
        if let topology = loaded.topology { return topology }
        var problem = Problem.unprocessable("invalid-topology", "The topology has faults; see errors.")
        problem.faults = loaded.faults.filter { $0.severity == .error }.map {
            .init(parameter: "line \($0.mark.line), column \($0.mark.column)", detail: $0.message)
        }
        throw problem
    }

    private func apply(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["dryRun"] + Self.allowances)
        let dryRun = reader.flag("dryRun")
        let allowances = DeploymentAllowances(
            removedStages: reader.flag("allowRemovedStages"),
            otherTopics: reader.flag("allowOtherTopics"))
        try reader.finish()
        let setup = try self.reader()
        let topology = try Self.load(request, setup)
        return try await pool.change(request) { connection in
            let store = try PostgresDeploymentStore(within: connection)
            let before = try store.snapshot().deployment(topology.name)
            let (answer, isApplied) = try Self.change(request, "apply", connection, setup) {
                deployer throws(EngineError) in
                try deployer.apply([topology], origin: "api", allowing: allowances, dryRun: dryRun).first
            }
            // The same text again changes nothing, and needs no word of what was there; where nothing is, `*` makes something.
            let named = request.headers[values: .ifMatch]
            if before == nil ? named.contains(where: { $0 != "*" }) : isApplied || !named.isEmpty {
                try request.precondition(current: before.map(Self.tag))
            }
            return answer
        }.response
    }

    private func rollBack(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        let setup = try reader()
        let (version, dryRun, allowances) = try request.body(known: ["to", "dryRun"] + Self.allowances) { body in
            (
                body.integer("to", in: 1...Int64.max), body.bool("dryRun") ?? false,
                DeploymentAllowances(
                    removedStages: body.bool("allowRemovedStages") ?? false,
                    otherTopics: body.bool("allowOtherTopics") ?? false)
            )
        }
        return try await pool.change(request) { connection in
            try Self.checkKnown(name, connection)
            try Self.checkVersion(name, request, try PostgresDeploymentStore(within: connection))
            return try Self.change(request, "rollback", connection, setup) { deployer throws(EngineError) in
                try deployer.rollBack(name, to: version, allowing: allowances, dryRun: dryRun)
            }.answer
        }.response
    }

    /// Plans and stores; 409 with every reason where it is refused.
    private static func change(
        _ request: APIRequest, _ action: String, _ connection: PostgresConnection, _ setup: RehearsalSetup,
        _ body: (Deployer) throws(EngineError) -> Deployer.Result?
    ) throws -> (answer: APIAnswer, isApplied: Bool) {
        let store = try PostgresDeploymentStore(within: connection)
        let deployer = Deployer(store, registry: setup.registry, read: setup.read)
        guard let result = try deploying({ () throws(EngineError) in try body(deployer) }) else {
            throw Problem.internalError
        }
        if result.outcome == .refused {
            var problem = Problem(
                code: "topology-refused", status: .conflict, title: "What is stored does not fit the topology",
                detail: "Nothing was changed; see errors, and what can be allowed.")
            problem.faults = result.plan.refusals.map { .init(parameter: result.plan.topology, detail: $0) }
            throw problem
        }
        let text = PlanText.json(result)
        if result.outcome == .applied {
            try request.audit("topology.\(action)", "topology:\(result.plan.topology)", after: text, on: connection)
        }
        let present = try store.snapshot().deployment(result.plan.topology).map(tag)
        return (.json(text, eTag: present), result.outcome == .applied)
    }

    private func setState(_ state: Deployment.State, _ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        return try await pool.change(request) { connection in
            try Self.checkKnown(name, connection)
            let store = try PostgresDeploymentStore(within: connection)
            try Self.checkVersion(name, request, store)
            let before = try store.snapshot().deployment(name)?.state
            // States need no reader: they say nothing of texts.
            let deployer = Deployer(store, registry: ProcessorRegistry([]), read: { _, _ in nil })
            let changed = try Self.deploying { () throws(EngineError) in try deployer.setState(state, of: name) }
            var out = JSONOutput()
            out.beginObject()
            out.member("topology", name)
            out.member("state", state.rawValue)
            out.key("changed")
            out.bool(changed)
            out.endObject()
            if changed {
                var was = JSONOutput()
                was.beginObject()
                was.member("state", before?.rawValue)
                was.endObject()
                let word = state == .paused ? "pause" : state == .running ? "resume" : "delete"
                try request.audit(
                    "topology.\(word)", "topology:\(name)", before: was.bytes, after: out.bytes, on: connection)
            }
            return .json(out.bytes, eTag: try store.snapshot().deployment(name).map(Self.tag))
        }.response
    }

    /// Two who go back at once must not go back twice, and nobody deletes, pauses or resumes what somebody else has just applied.
    private static func checkVersion(
        _ name: String, _ request: APIRequest, _ store: PostgresDeploymentStore
    ) throws {
        try request.precondition(current: try store.snapshot().deployment(name).map(tag))
    }

    /// Of what is applied, and of what shall become of it.
    private static func tag(_ deployment: Deployment) -> EntityTag {
        EntityTag(
            revision: deployment.wantedVersion, state: deployment.state == .running ? nil : deployment.state.rawValue)
    }

    private static func checkKnown(_ name: String, _ connection: PostgresConnection) throws {
        let known = try connection.query("select from egiz.deployment where topology = $1", [.text(name)])
        guard !known.isEmpty else { throw Problem.noSuchTopology(name) }
    }
}

extension Problem {
    static func noSuchTopology(_ name: String) -> Problem {
        Problem(
            code: "topology-not-found", status: .notFound, title: "No such topology",
            detail:
                "There is no topology \(name.prefix(200)), or not that version of it. GET /api/v1/topologies lists them."
        )
    }
}
