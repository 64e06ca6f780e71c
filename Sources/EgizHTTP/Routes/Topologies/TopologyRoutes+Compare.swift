import EgizCore
import EgizPostgres
import EgizRuntime
import Hummingbird

/// Comparing versions of a topology, and a text with what is deployed.
extension TopologyRoutes {
    func diffVersions(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["from", "to"])
        let (from, to) = (reader.version("from"), reader.version("to"))
        try reader.finish()
        let name = try Self.name(request)
        let versions = try await Self.versions(name, pool)
        let newer = to ?? versions.last?.version ?? 0
        let new = versions.first { $0.version == newer }
        let old = from.map { from in versions.first { $0.version == from } } ?? versions.last { $0.version < newer }
        guard let new, let old else {
            throw Problem.parameter(
                new == nil ? "to" : "from",
                "\(name) has no such version; it has \(versions.map { "\($0.version)" }.joined(separator: ", ")).")
        }
        return .json(Self.diff(name, old.version, old.text, new.version, new.text, plan: nil))
    }

    func diffText(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let setup = try reader()
        let topology = try Self.load(request, setup)
        let body = try await pool.run { connection -> [UInt8] in
            try connection.execute("begin")
            let store = try PostgresDeploymentStore(within: connection)
            let wanted = try store.snapshot().deployment(topology.name)?.wantedVersion
            let old = try wanted.flatMap { try store.text(of: topology.name, version: $0) } ?? ""
            let results = try Self.deploying { () throws(EngineError) in
                try Deployer(store, registry: setup.registry, read: setup.read).apply(
                    [topology], origin: "diff", dryRun: true)
            }
            return Self.diff(topology.name, wanted, old, nil, topology.sourceText, plan: results.first)
        }
        return .json(body)
    }

    private static func diff(
        _ name: String, _ from: Int64?, _ old: String, _ to: Int64?, _ new: String, plan: Deployer.Result?
    ) -> [UInt8] {
        var out = JSONOutput(capacity: 1024)
        out.beginObject()
        out.member("topology", name)
        out.member("from", from)
        out.member("to", to)
        out.key("differs")
        out.bool(old != new)
        PlanText.texts("lines", LineDiff.unified(old, new), into: &out)
        out.key("plan")
        if let plan { PlanText.write(plan, into: &out) } else { out.null() }
        out.endObject()
        return out.bytes
    }
}
