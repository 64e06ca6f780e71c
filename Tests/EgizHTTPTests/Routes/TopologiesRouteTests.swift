import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    @Suite struct TopologiesRouteTests {
        private struct Ends: LagProvider {
            var ends: [TopicPartition: NextOffset]?

            func ends(of partitions: [TopicPartition]) async throws -> [TopicPartition: NextOffset] {
                guard let ends else { throw EngineError(.kafka, .backoff, "no broker answers") }
                return ends.filter { partitions.contains($0.key) }
            }
        }

        private func topologies(_ api: TestAPI, _ lag: (any LagProvider)?) async throws -> JSONValue {
            let text = try await api.server(lag: lag).application().test(.router) {
                try await $0.execute(uri: "/api/v1/topologies", method: .get)
            }
            #expect(text.status == .ok)
            return try JSONParser().parse(Array(buffer: text.body))
        }

        @Test func tasksShowPositionsEndsAndLag() async throws {
            let api = try TestAPI()
            _ = try PostgresTopologyStore(api.connection).save(name: "line", text: "a")
            _ = try PostgresTopologyStore(api.connection).save(name: "line", text: "b")
            try api.commit(next: 10)
            let answer = try await topologies(api, Ends(ends: [TopicPartition("twins", 0): NextOffset(stored: 15)]))
            #expect(answer["lagError"] == .some(.null))
            let topology = try #require(answer["items"]?.array?.first)
            #expect(answer["items"]?.array?.count == 1)
            #expect(
                topology["name"] == .string("line") && topology["version"] == .int(2)
                    && topology["active"] == .bool(true))
            let stage = try #require(topology["stages"]?.array?.first)
            #expect(
                stage["name"] == .string("line.events") && stage["partitions"] == .int(2)
                    && stage["deadLetters"] == .int(3)
            )
            #expect(stage["lagRecords"] == .int(5))
            let task = try #require(stage["tasks"]?.array?.first)
            #expect(task["owner"]?.text == #"{"worker":"worker-a","host":"host-a","pid":7}"#)
            #expect(task["epoch"] == .int(1) && task["partition"] == .int(0))
            #expect(task["streamTime"] == .string("2026-01-01T00:00:00Z"))
            #expect(task["offsets"]?.text == #"[{"topic":"twins","next":10,"end":15,"lag":5}]"#)
            #expect(task["counters"]?["records"] == .int(10))
            // The clock is later than 2026-01-01, so the task is behind.
            guard case .some(let seconds) = task["lagSeconds"], seconds.text != "null", seconds.text != "0" else {
                Issue.record("lagSeconds is \(String(describing: task["lagSeconds"]))")
                return
            }
        }

        @Test func topologiesComeInPagesByName() async throws {
            let api = try TestAPI()
            for name in ["b", "a", "c"] { _ = try PostgresTopologyStore(api.connection).save(name: name, text: name) }
            func page(_ query: String) async throws -> (names: [String], next: String?) {
                let answer = try await api.json("/api/v1/topologies\(query)")
                return (answer["items"]?.array?.compactMap { $0["name"]?.string } ?? [], answer["next"]?.string)
            }
            let all = try await page("")
            #expect(all.names == ["a", "b", "c"] && all.next == nil)
            let first = try await page("?limit=2")
            #expect(first.names == ["a", "b"])
            let next = try #require(first.next)
            let second = try await page("?limit=2&cursor=\(next)")
            #expect(second.names == ["c"] && second.next == nil)
        }

        @Test func aTaskAtTheEndHasNoLagHoweverOldItsStreamTime() async throws {
            let api = try TestAPI()
            try api.commit(next: 10)
            let answer = try await topologies(api, Ends(ends: [TopicPartition("twins", 0): NextOffset(stored: 10)]))
            let task = answer["items"]?.array?.first?["stages"]?.array?.first?["tasks"]?.array?.first
            #expect(task?["lagRecords"] == .int(0))
            #expect(task?["lagSeconds"]?.text == "0")
            #expect(answer["items"]?.array?.first?["version"] == .some(.null))
        }

        @Test func withoutKafkaTheRestIsStillAnswered() async throws {
            let api = try TestAPI()
            try api.commit()
            for (lag, why) in [(nil, "not connected"), (Ends(ends: nil), "no broker answers")]
                as [((any LagProvider)?, String)]
            {
                let answer = try await topologies(api, lag)
                #expect(answer["lagError"]?.string?.contains(why) == true)
                let stage = answer["items"]?.array?.first?["stages"]?.array?.first
                #expect(stage?["lagRecords"] == .some(.null) && stage?["lagSeconds"] == .some(.null))
                #expect(
                    stage?["tasks"]?.array?.first?["offsets"]?.text
                        == #"[{"topic":"twins","next":10,"end":null,"lag":null}]"#)
            }
        }

        @Test func wantedAndRunningVersionsAreShownByWorker() async throws {
            let api = try TestAPI()
            let store = PostgresDeploymentStore(url: api.url)
            _ = try store.save("line", text: "a", origin: "apply")
            try store.switchTo(1, of: "line")
            _ = try store.save("line", text: "b", origin: "apply")
            try store.beat(
                WorkerIdentity(id: "w", host: "h", processID: 7), scope: nil,
                reports: [
                    TopologyReport(
                        topology: "line", preparedVersion: 1, runningVersion: 1, refusedVersion: 2, state: .running,
                        error: "no such kind")
                ])
            try store.beat(WorkerIdentity(id: "x", host: "h", processID: 8), scope: ["other"], reports: [])
            let item = try #require(try await topologies(api, nil)["items"]?.array?.first)
            #expect(item["state"] == .string("running"))
            #expect(item["wantedVersion"] == .int(2) && item["runningVersion"] == .int(1))
            #expect(
                item["workers"]?.text
                    == #"[{"worker":"w","host":"h","pid":7,"preparedVersion":1,"runningVersion":1,"refusedVersion":2,"state":"running","error":"no such kind"}]"#
            )
        }

        @Test func anEmptyDatabaseHasNoTopologies() async throws {
            let api = try TestAPI()
            #expect(try await topologies(api, nil)["items"] == .array([]))
        }

        @Test func lagOfAPositionBeyondTheEndIsZero() {
            let task = TaskState(
                partition: 0, owner: nil, ownerEpoch: 1, epoch: 1, lastCommit: nil, streamTime: nil,
                counters: StepCounters(),
                offsets: [TaskState.Offset(topic: "a", next: NextOffset(stored: 9))])
            let other = TaskState(
                partition: 1, owner: nil, ownerEpoch: 1, epoch: 1, lastCommit: nil, streamTime: nil,
                counters: StepCounters())
            let stage = StageState(name: TestAPI.stage, partitions: 2, tasks: [task, other])
            let now = EventTime(microseconds: 10_000_000)
            var report = LagReport(
                ends: [TopicPartition("a", 0): NextOffset(stored: 3), TopicPartition("a", 1): NextOffset(stored: 0)],
                now: now)
            #expect(LagReport.records(report.topics(of: task, in: stage)) == 0)
            #expect(
                LagReport.records(report.topics(of: other, in: stage)) == 0,
                "an empty partition without a position has no lag")
            report.ends?[TopicPartition("a", 1)] = NextOffset(stored: 4)
            #expect(
                LagReport.records(report.topics(of: other, in: stage)) == nil, "unread records from an unknown position"
            )
            #expect(report.seconds(records: 1, streamTime: EventTime(microseconds: 8_500_999)) == 1.499)
            #expect(report.seconds(records: 1, streamTime: EventTime(microseconds: 99_000_000)) == 0)
            #expect(report.seconds(records: 1, streamTime: nil) == nil)
        }
    }
}
