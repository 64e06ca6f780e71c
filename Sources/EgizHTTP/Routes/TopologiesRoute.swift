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
        APIRoute("/api/v1/topologies", access: .admin, parameters: []) { request in
            try request.reader(known: []).finish()
            return try await topologies()
        }
    }

    private func topologies() async throws -> Response {
        let topologies = try await queries.topologies()
        let (ends, error) = await ends(of: topologies)
        return .json(TopologyText.json(topologies, LagReport(ends: ends, now: now()), lagError: error))
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
