import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTesting
import Foundation
import Testing

/// Deploying to workers that run: on a real Postgres, with a log in memory.
@Suite(.serialized)
struct DeploymentTests {
    /// Contract of issue 3: a change is picked up within this.
    private let pickUp = 2.0

    private func expectSoon(
        _ fleet: Fleet, within seconds: Double = 20, _ workers: [String], line: Int = #line
    ) throws {
        let matches = try eventually(within: seconds) { try fleet.workers() == workers }
        #expect(matches, "line \(line): \(String(describing: try? fleet.workers())) instead of \(workers)")
    }

    @Test(.timeLimit(.minutes(2)))
    func aNewVersionRunsWithinTwoSecondsAndNothingIsLostOrDoubled() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            #expect(try fleet.apply(Fleet.text("one"))?.outcome == .applied)
            try expectSoon(fleet, ["a:1/1 running"])
            for version in 2...4 {
                fleet.push(5000)
                let moving = try eventually(within: 20) { try fleet.committed().records > 0 }
                #expect(moving)
                #expect(try fleet.apply(Fleet.text("v\(version)"))?.version == Int64(version))
                fleet.push(5000)
                try expectSoon(fleet, within: pickUp, ["a:\(version)/\(version) running"])
                #expect(try fleet.rollout() == .done)
            }
            let done = try eventually(within: 30) { try fleet.hasCommittedAll() }
            #expect(done)
            #expect(try fleet.committed() == (30_000, 30_000))
            let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
            let versions = try connection.query("select distinct topology_version from egiz.task")
            #expect(versions.map { $0.int64(0) } == [4])
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func oneWorkerThatRefusesKeepsAllOnTheOldVersionUntilItIsGone() async throws {
        let fleet = try Fleet()
        let good = fleet.worker("a")
        let bad = fleet.worker("b", refusing: "newer")
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            try expectSoon(fleet, ["a:1/1 running", "b:1/1 running"])
            _ = try fleet.apply(Fleet.text("newer"))
            let refused = try eventually(within: 20) {
                try fleet.rollout() == .refused([.init(worker: "b, pid 7", reason: "b knows no newer")])
                    && fleet.workers() == ["a:1/2 running", "b:1/1 running"]
            }
            #expect(refused, "\(String(describing: try? fleet.rollout())) \(String(describing: try? fleet.workers()))")
            fleet.push(1000)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done, "the old version keeps running")
            #expect(try fleet.store().snapshot().deployment("line")?.runningVersion == 1)
        }
        try await bad.stop()
        try await blocking {
            try expectSoon(fleet, ["a:2/2 running"])
            fleet.push(1000)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
            #expect(try fleet.committed() == (2000, 2000))
        }
        try await good.stop()
        #expect(try fleet.store().snapshot().workers.isEmpty, "a worker that stops is not waited for")
    }

    @Test(.timeLimit(.minutes(2)))
    func aWorkerThatStartsWithoutKnowingTheRunningVersionRunsNothingOfIt() async throws {
        let fleet = try Fleet()
        let good = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Fleet.text("newer"))
            try expectSoon(fleet, ["a:1/1 running"])
        }
        let bad = fleet.worker("b", refusing: "newer")
        try await blocking {
            try expectSoon(fleet, ["a:1/1 running", "b:-/- refused"])
            fleet.push(500)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
        }
        try await bad.stop()
        try await good.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func aRollbackIsANewVersionWithTheOldText() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            try expectSoon(fleet, ["a:1/1 running"])
            _ = try fleet.apply(Fleet.text("two"))
            try expectSoon(fleet, ["a:2/2 running"])
            let result = try fleet.deployer().rollBack("line", to: nil)
            #expect(result.outcome == .applied && result.version == 3)
            try expectSoon(fleet, within: pickUp, ["a:3/3 running"])
            #expect(try fleet.store().text(of: "line", version: 3) == Fleet.text("one"))
            #expect(try fleet.deployer().rollBack("line", to: 3).outcome == .unchanged)
            #expect(throws: EngineError.self) { try fleet.deployer().rollBack("line", to: 9) }
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func aRollbackOfARefusedVersionTakesTheOneThatRuns() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a", refusing: "newer")
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            _ = try fleet.apply(Fleet.text("two"))
            try expectSoon(fleet, ["a:2/2 running"])
            _ = try fleet.apply(Fleet.text("newer"))
            let refused = try eventually(within: 20) {
                if case .refused = try fleet.rollout() { true } else { false }
            }
            #expect(refused)
            _ = try fleet.deployer().rollBack("line", to: nil)
            #expect(try fleet.store().text(of: "line", version: 4) == Fleet.text("two"))
            try expectSoon(fleet, ["a:4/4 running"])
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func aPausedTopologyReleasesItsTasksAndGoesOnWhenResumed() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
            func owned() throws -> Int64 {
                try connection.query("select count(*) from egiz.task where worker_id is not null").int64(0, 0)
            }
            _ = try fleet.apply(Fleet.text("one"))
            fleet.push(1000)
            let running = try eventually(within: 20) { try fleet.hasCommittedAll() && owned() == 4 }
            #expect(running)
            #expect(try fleet.deployer().setState(.paused, of: "line"))
            try expectSoon(fleet, within: pickUp, ["a:-/1 paused"])
            #expect(try owned() == 0)
            #expect(try fleet.deployer().setState(.paused, of: "line") == false)
            fleet.push(1000)
            // What is applied meanwhile is prepared and switched to, and starts with the resume.
            _ = try fleet.apply(Fleet.text("two"))
            try expectSoon(fleet, ["a:-/2 paused"])
            #expect(try fleet.committed().records == 1000)
            #expect(try fleet.deployer().setState(.running, of: "line"))
            try expectSoon(fleet, within: pickUp, ["a:2/2 running"])
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
            #expect(try fleet.committed() == (2000, 2000))
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func aDeletedTopologyGoesOnWhereItStoppedAndAPurgedOneBeginsAnew() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            fleet.push(1000)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
            _ = try fleet.deployer().setState(.deleted, of: "line")
            try expectSoon(fleet, within: pickUp, ["a:none"])
            fleet.push(500)
            let again = try #require(try fleet.apply(Fleet.text("two")))
            #expect(again.plan.lines.first?.hasPrefix("line.events  starts at offset") == true, "\(again.plan.lines)")
            try expectSoon(fleet, ["a:2/2 running"])
            let more = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(more)
            #expect(try fleet.committed() == (1500, 1500))

            _ = try fleet.deployer().setState(.deleted, of: "line")
            try expectSoon(fleet, ["a:none"])
            try fleet.store().purge("line")
            #expect(try fleet.committed().records == 0)
            #expect(try fleet.apply(Fleet.text("two"))?.plan.lines.first == "line.events  new, from earliest")
            let anew = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(anew)
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func whatDoesNotFitTheStoredStateIsRefusedAndNothingChanges() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            fleet.push(100)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
            #expect(try fleet.apply(Fleet.text("one"))?.outcome == .unchanged)
            let result = try #require(try fleet.apply(Fleet.text("one", topic: "elsewhere")))
            #expect(result.outcome == .refused && result.version == nil)
            #expect(result.plan.refusals.first?.contains("line.events") == true)
            #expect(try fleet.store().versions(of: "line").count == 1)
            try expectSoon(fleet, ["a:1/1 running"])
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func twoWorkersSwitchTogetherUnderLoad() async throws {
        let fleet = try Fleet(partitions: 8)
        let workers = [fleet.worker("a"), fleet.worker("b")]
        try await blocking {
            _ = try fleet.apply(Fleet.text("one"))
            try expectSoon(fleet, ["a:1/1 running", "b:1/1 running"])
            for version in 2...4 {
                fleet.push(3000)
                _ = try fleet.apply(Fleet.text("v\(version)"))
                fleet.push(3000)
                try expectSoon(
                    fleet, ["a:\(version)/\(version) running", "b:\(version)/\(version) running"])
            }
            let done = try eventually(within: 30) { try fleet.hasCommittedAll() }
            #expect(done, "\(String(describing: try? fleet.committed())) of \(fleet.count)")
            #expect(try fleet.committed() == (18_000, 18_000))
        }
        for worker in workers { try await worker.stop() }
    }

    @Test(.timeLimit(.minutes(2)))
    func aTopologyThatFailsIsShownAndStartsAgainWhenResumed() async throws {
        let fleet = try Fleet()
        let worker = fleet.worker("a")
        try await blocking {
            let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
            // The topic has 4.
            try connection.execute("insert into egiz.stage values ('line.events', 'line', 'events', 2)")
            _ = try fleet.apply(Fleet.text("one"))
            try expectSoon(fleet, ["a:-/1 failed"])
            guard case .failed(let failures) = try fleet.rollout() else {
                Issue.record("\(try fleet.rollout())")
                return
            }
            #expect(failures.first?.reason.contains("2 partitions") == true, "\(failures)")
            try connection.execute("update egiz.stage set partitions = 4")
            _ = try fleet.deployer().setState(.running, of: "line")
            try expectSoon(fleet, ["a:1/1 running"])
            fleet.push(100)
            let done = try eventually(within: 20) { try fleet.hasCommittedAll() }
            #expect(done)
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func aWorkerOfGivenFilesEndsWithTheErrorWhenAllOfThemHaveFailed() async throws {
        let fleet = try Fleet()
        let connection = try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
        try connection.execute("insert into egiz.stage values ('line.events', 'line', 'events', 2)")
        _ = try fleet.apply(Fleet.text("one"))
        let error = await fleet.worker("a", endsWhenAllFailed: true).failure()
        #expect(error?.message.contains("2 partitions") == true, "\(String(describing: error))")
    }
}
