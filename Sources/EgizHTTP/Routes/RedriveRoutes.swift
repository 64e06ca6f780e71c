import EgizCore
import EgizPostgres
import EgizRuntime
import HTTPTypes
import Hummingbird

/// `POST /api/v1/dead-letters/redrive` and `GET /api/v1/redrives/{requestId}`: have dead letters tried again or dropped by the owners
/// of their tasks.
struct RedriveRoutes: Sendable {
    let pool: PostgresPool
    let rehearsal: RehearsalSetup?

    /// Letters that one answer rehearses.
    private static let mostRehearsed = 200

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/dead-letters/redrive", access: .admin, writing: Self.writing, handler: redrive),
            APIRoute("/api/v1/redrives/{requestId}", access: .admin, handler: request),
        ]
    }

    private static let writing = APIRoute.Writing(method: .post, accepts: ["application/json"], largest: 1 << 20)

    private func redrive(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let order = try RedriveOrder(parsing: request.body)
        return order.isDryRun ? try await rehearse(order) : try await ask(order, request)
    }

    private func ask(_ order: RedriveOrder, _ request: APIRequest) async throws -> Response {
        try await pool.change(request) { connection in
            let requests = RedriveRequests(connection)
            let plan = try requests.plan(order.selection, order.action)
            let ids = try requests.insert(plan, rate: order.rate, by: request.principal?.name ?? "api")
            var out = Self.begin(order, plan)
            out.key("requests")
            out.beginArray()
            let progress = try ids.isEmpty ? [] : requests.progress(ids)
            for one in progress.sorted(by: { $0.id < $1.id }) { DeadLetterText.write(one, into: &out) }
            out.endArray()
            out.endObject()
            for id in ids {
                try request.audit(
                    "dead-letter.\(plan.action.rawValue)", "redrive:\(id)",
                    after: Array(#"{"letters":\#(plan.count)}"#.utf8), on: connection)
            }
            return .json(out.bytes, status: .accepted)
        }.response
    }

    private func rehearse(_ order: RedriveOrder) async throws -> Response {
        let rehearsal = rehearsal
        let (plan, lines) = try await pool.run { connection in
            let plan = try RedriveRequests(connection).plan(order.selection, order.action)
            var lines: [RedriveDryRun.Line] = []
            guard order.action == .retry, !plan.parts.isEmpty else { return (plan, lines) }
            guard let rehearsal else { throw Problem.noRehearsal("this process cannot read topologies") }
            let store = rehearsal.store()
            defer { store.close() }
            let run = RedriveDryRun(connection, store: store, registry: rehearsal.registry, read: rehearsal.read)
            do throws(EngineError) {
                try run.run(plan, limit: Self.mostRehearsed) { lines.append($0) }
            } catch {
                throw Problem(ofTopology: error)
            }
            return (plan, lines)
        }
        var out = Self.begin(order, plan)
        out.member("rehearsed", lines.count)
        out.key("items")
        out.beginArray()
        for line in lines { DeadLetterText.write(line, into: &out) }
        out.endArray()
        out.endObject()
        return .json(out.bytes)
    }

    private static func begin(_ order: RedriveOrder, _ plan: RedrivePlan) -> JSONOutput {
        var out = JSONOutput(capacity: 1024)
        out.beginObject()
        out.member("action", order.action.rawValue)
        out.key("dryRun")
        out.bool(order.isDryRun)
        out.member("letters", plan.count)
        out.key("missing")
        out.beginArray()
        for id in plan.missing { out.integer(id) }
        out.endArray()
        return out
    }

    private func request(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("requestId")
        let found = try await pool.run { try RedriveRequests($0).progress([id]).first }
        guard let found else { throw Problem.noSuchRedrive(id) }
        var out = JSONOutput()
        DeadLetterText.write(found, into: &out)
        return .json(out.bytes)
    }
}
