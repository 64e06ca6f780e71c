import EgizPostgres
import EgizRuntime
import EgizTesting
import Testing

/// Alerts of a topology that is deleted, on a real Postgres, with a log in memory.
@Suite(.serialized)
struct StageEndingTests {
    private static let text = Fleet.text(
        "one",
        processors: """
                alerts:
                  kind: alert-rule
                  from: twins
                  rules: [{ name: hot, when: features.f.x > 0, message: hot }]
            """)

    /// Open alerts, and states of things that have one.
    private func open(_ fleet: Fleet) throws -> [Int64] {
        let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
        return try connection.query(
            """
            select (select count(*) from egiz.alert where cleared_at is null),
                (select count(*) from egiz.state where processor = 'alerts')
            """
        ).flatMap { [$0.int64(0) ?? -1, $0.int64(1) ?? -1] }
    }

    @Test(.timeLimit(.minutes(2)))
    func alertsThatAreDeletedUnderLoadEndWithTheirStatesAndHoldAgainWhenTheTopologyComesBack() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Self.text)
            fleet.push(100)
            let raised = try eventually(within: 20) { try open(fleet) == [10, 10] }
            #expect(raised)
            fleet.push(5000)
            _ = try fleet.deployer().setState(.deleted, of: "line")
            let ended = try eventually(within: 20) { try open(fleet) == [0, 0] }
            #expect(ended)
            _ = try fleet.apply(Self.text)
            let again = try eventually(within: 20) { try open(fleet) == [10, 10] }
            #expect(again)
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func anotherWorkerEndsWhatADeadOneLeftAndWaitsForOneThatLives() async throws {
        let fleet = try Fleet()
        let first = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Self.text)
            fleet.push(100)
            let raised = try eventually(within: 20) { try open(fleet) == [10, 10] }
            #expect(raised)
        }
        try await first.stop()
        // As somebody leaves it who has not drained yet when the topology is deleted.
        let ghost = WorkerIdentity(id: "ghost", host: "ghost", processID: 8)
        try await blocking {
            try fleet.store().beat(ghost, scope: nil, reports: [])
            let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
            try connection.execute(
                "update egiz.task set worker_id = 'ghost'; update egiz.deployment set state = 'deleted'")
        }
        let second = fleet.worker("b")
        try await blocking {
            let store = fleet.store()
            let hasLooked = try eventually(within: 20) {
                try store.beat(ghost, scope: nil, reports: [])
                return second.worker.reports != nil
            }
            #expect(hasLooked)
            #expect(try open(fleet) == [10, 10])
            try store.leave(ghost)
            let ended = try eventually(within: 20) { try open(fleet) == [0, 0] }
            #expect(ended)
        }
        try await second.stop()
    }
}
