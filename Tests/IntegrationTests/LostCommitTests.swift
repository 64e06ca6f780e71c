import EgizPostgres
import EgizTesting
import Foundation
import TestSupport
import Testing

/// The answer to COMMIT gets lost on its way from a real Postgres to a real worker (rule 2).
@Suite(.serialized)
struct LostCommitTests {
    @Test(.timeLimit(.minutes(3)))
    func commitsWhoseAnswersAreLostAreNeitherLostNorDoubled() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 4)])
            let topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 4)
            let proxy = try CuttingProxy(to: world.database)
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(["EGIZ_DATABASE_URL": proxy.url]) { _, new in new })
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "20", "--events", "10000", "--rate",
                    "1000", "--seed", "17", "--topic-ditto", topic,
                ])
            let connection = try world.connect()
            func processed() throws -> Int64 {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
            }
            let moving = try eventually(within: 60) { try processed() > 500 }
            #expect(moving, "\(worker.output)")
            for cut in 1...5 {
                proxy.cutAfter("commit", of: "egiz-commit-")
                let isCut = eventually(within: 20) { proxy.cuts == cut }
                #expect(isCut, "\(worker.output)")
                let reached = try processed()
                let goesOn = try eventually(within: 20) { try processed() > reached }
                #expect(goesOn, "after cut \(cut)\n\(worker.output)")
            }
            #expect(simulator.wait() == 0, "\(simulator.output)")
            let fold = try LogFold(world: world, topic: topic)
            let isDone = try eventually(within: 60) { try processed() >= Int64(fold.records) }
            #expect(isDone, "\(worker.output)")
            #expect(worker.output.contains("commits go on"), "\(worker.output)")
            #expect(!worker.output.contains("another worker owns tasks"), "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
            let stored = try StoredState(connection)
            let differences = stored.differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
            #expect(stored.deadLetters == 0)
            let applied = try connection.query(
                "select sum((counters->>'applied')::bigint)::bigint from egiz.task")
            #expect(applied.int64(0, 0) == Int64(fold.records), "each record counts once")
        }
    }
}
