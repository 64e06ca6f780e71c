import EgizPostgres
import Logging
import NIOCore
import Synchronization

/// What connections of live push share.
final class LiveService: Sendable {
    let hub: LiveHub
    let access: any AccessControl
    let queries: LiveQueries
    let settings: LiveSettings
    let logger: Logger
    let metrics: LiveMetrics
    /// Reads few snapshots at a time: thousands of clients may come at once, and the database serves others too.
    let snapshots: FewAtATime
    private let open = Atomic<Int>(0)

    init(
        hub: LiveHub, access: any AccessControl, queries: LiveQueries, settings: LiveSettings,
        metrics: PrometheusRegistry,
        logger: Logger
    ) {
        self.hub = hub
        self.access = access
        self.queries = queries
        self.settings = settings
        self.metrics = LiveMetrics(metrics)
        self.logger = logger
        snapshots = FewAtATime(settings.snapshotsAtATime)
    }

    /// False where there are too many connections already.
    func enter() -> Bool {
        guard open.wrappingAdd(1, ordering: .relaxed).newValue <= settings.mostConnections else {
            open.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        metrics.connections.increment(by: Int64(1))
        return true
    }

    var hasRoom: Bool { open.load(ordering: .relaxed) < settings.mostConnections }

    func leave() {
        open.wrappingSubtract(1, ordering: .relaxed)
        metrics.connections.decrement(by: 1.0)
    }

    /// Whether somebody may have what a subscription names; nothing says whether what they may not see exists.
    func check(_ subscription: LiveSubscription, _ principal: Principal) async throws {
        for project in subscription.projects ?? [] where principal.role(in: project) == nil {
            throw Problem.noSuchProject(project.text)
        }
        for project in subscription.projects ?? [] {
            guard try await access.exists(project) else { throw Problem.noSuchProject(project.text) }
        }
        guard !principal.isAdmin, let things = subscription.things else { return }
        let asked = things.map(\.text)
        for (thing, project) in zip(asked, try await queries.projects(of: asked))
        where principal.role(in: project) == nil {
            throw Problem.noSuchTwin(thing)
        }
    }
}
