import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// Exactly once, proven by killing: `make test-long` runs ten kills, `make test` three.
@Suite(.serialized)
struct KillTests {
    private static var isLong: Bool { ProcessInfo.processInfo.environment["EGIZ_LONG"] == "1" }

    @Test(.timeLimit(.minutes(15)))
    func aWorkerKilledInTheMiddleLosesNothingAndDoublesNothing() async throws {
        try await blocking {
            let kills = Self.isLong ? 10 : 3
            let events = 200_000
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 32)])
            let topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 32, commit: "20ms")
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "100", "--events", "\(events)",
                    "--rate", "5000", "--unthrottled", "--seed", "7", "--topic-ditto", topic, "--start-time",
                    "2026-03-02T06:00:00Z",
                ])
            #expect(simulator.wait() == 0, "\(simulator.output)")

            let connection = try world.connect()
            func processed() throws -> Int {
                Int(
                    try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(
                        0, 0))
            }
            var worker = try world.startWorker(file)
            for kill in 1...kills {
                let threshold = events * kill / (kills + 1)
                let reached = try eventually(within: 120) { try processed() >= threshold }
                #expect(
                    reached,
                    "kill \(kill): stuck at \(String(describing: try? processed())) of \(threshold)\n\(worker.output)")
                #expect(worker.isRunning, "\(worker.output)")
                worker.killNow()
                worker = try world.startWorker(file)
            }
            let done = try eventually(within: 180) { try processed() >= events }
            #expect(done, "stuck at \(String(describing: try? processed())) of \(events)\n\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")

            let fold = try LogFold(world: world, topic: topic)
            #expect(fold.records >= events)
            let stored = try StoredState(connection)
            let differences = stored.differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
            #expect(stored.documents.count == 100)
            #expect(stored.deadLetters == 0)
        }
    }
}
