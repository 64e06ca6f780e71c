import EgizCore
import EgizPostgres
import EgizTwin
import Hummingbird
import Logging

/// `GET /api/v1/topologies`: what runs, how far it is, and how much is left.
struct TopologiesRoute: Sendable {
    let queries: TopologyQueries
    /// Nil: the ends of the log are not known here.
    let lag: (any LagProvider)?
    let logger: Logger
    var now: @Sendable () -> EventTime = { WallClock.now() }

    var route: APIRoute {
        APIRoute("/api/v1/topologies", access: .admin, parameters: ["limit", "cursor"]) { request in
            var reader = request.reader(known: ["limit", "cursor"])
            let limit = reader.integer("limit", in: 1...1000, default: 100)
            let cursor = reader.cursor(.topologies, question: [])
            try reader.finish()
            return try await topologies(after: cursor?.place, limit: limit)
        }
    }

    private func topologies(after: String?, limit: Int) async throws -> Response {
        // A deployment has some dozens: all are read, and the page is cut here.
        let all = try await queries.topologies().sorted { $0.name < $1.name }
        let rest = all.filter { topology in after.map { $0 < topology.name } ?? true }
        let topologies = Array(rest.prefix(limit))
        let (ends, error) = await ends(of: topologies)
        let next =
            rest.count > limit
            ? topologies.last.map { PageCursor(.topologies, question: [], place: $0.name).text } : nil
        return .json(TopologyText.json(topologies, LagReport(ends: ends, now: now()), lagError: error, next: next))
    }

    /// The broker may be away: then the rest of the answer is still worth having.
    private func ends(of topologies: [TopologyState]) async -> ([TopicPartition: NextOffset]?, String?) {
        guard let lag else { return (nil, "this process is not connected to Kafka") }
        var partitions: Set<TopicPartition> = []
        for stage in topologies.flatMap(\.stages) {
            for topic in stage.topics {
                for task in stage.tasks { partitions.insert(TopicPartition(topic, task.partition)) }
            }
        }
        if partitions.isEmpty { return ([:], nil) }
        do {
            return (try await lag.ends(of: partitions.sorted()), nil)
        } catch {
            logger.debug("lag is not known", metadata: ["egiz.error": "\(error)"])
            return (nil, (error as? EngineError)?.message ?? "Kafka does not answer")
        }
    }
}
