import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// Two workers on one topology.
@Suite(.serialized)
struct SharingTests {
    @Test(.timeLimit(.minutes(5)))
    func twoWorkersShareThePartitionsAndOneTakesOverAllWhenTheOtherStops() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 8)])
            let topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 8)
            let first = try world.startWorker(file)
            let second = try world.startWorker(file)
            let connection = try world.connect()
            func owners() throws -> [String: Int] {
                let rows = try connection.query(
                    "select worker_id, count(*) from egiz.task where worker_id is not null group by 1")
                var owners: [String: Int] = [:]
                for row in 0..<rows.count { owners[rows.string(row, 0)] = Int(rows.int64(row, 1)) }
                return owners
            }
            let shared = try eventually(within: 60) { try owners().values.sorted() == [4, 4] }
            #expect(shared, "owners: \(String(describing: try? owners()))\n\(first.output)\n\(second.output)")

            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "40", "--events", "40000", "--rate",
                    "10000", "--seed", "3", "--topic-ditto", topic,
                ])
            let moving = try eventually(within: 60) {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
                    > 5000
            }
            #expect(moving)
            #expect(first.stop() == 0, "\(first.output)")
            let taken = try eventually(within: 30) { try owners().values.sorted() == [8] }
            #expect(taken, "owners: \(String(describing: try? owners()))\n\(second.output)")
            #expect(simulator.wait() == 0, "\(simulator.output)")
            let fold = try LogFold(world: world, topic: topic)
            let done = try eventually(within: 60) {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
                    >= Int64(fold.records)
            }
            #expect(done, "\(second.output)")
            #expect(second.stop() == 0, "\(second.output)")
            let differences = try StoredState(connection).differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
        }
    }
}
