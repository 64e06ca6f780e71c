import EgizCore
import EgizRuntime
import Testing

@testable import EgizPostgres

@Suite struct DeploymentStoreTests {
    let database: TestDatabase
    let store: PostgresDeploymentStore

    init() throws {
        database = try TestDatabase()
        store = PostgresDeploymentStore(url: database.url)
    }

    private func deployment() throws -> Deployment { try #require(try store.snapshot().deployment("line")) }

    @Test func aSavedVersionIsWantedAndRunsWhenItIsSwitchedTo() throws {
        #expect(try store.save("line", text: "a", origin: "apply") == 1)
        #expect(try deployment().wantedVersion == 1)
        #expect(try deployment().runningVersion == nil)
        #expect(try deployment().isPending)
        try store.switchTo(1, of: "line")
        #expect(try !deployment().isPending)
        #expect(try store.save("line", text: "b", origin: "rollback to 9") == 2)
        #expect(try deployment().wantedVersion == 2)
        #expect(try deployment().runningVersion == 1)
        let versions = try store.versions(of: "line")
        #expect(versions.map(\.version) == [1, 2])
        #expect(versions.map(\.text) == ["a", "b"])
        #expect(versions.map(\.origin) == ["apply", "rollback to 9"])
        #expect(try store.text(of: "line", version: 2) == "b")
        #expect(try store.text(of: "line", version: 3) == nil)
    }

    @Test func whatAnOperatorDeploysIsInTheAuditLogInTheSameTransaction() throws {
        let store = PostgresDeploymentStore(url: database.url, actor: "operator:maria")
        _ = try store.save("line", text: "a", origin: "apply")
        _ = try store.save("line", text: "b", origin: "rollback to 1")
        try store.setState(.paused, of: "line")
        try store.setState(.running, of: "line")
        #expect(throws: EngineError.self) {
            try store.exclusively { () throws(EngineError) in
                try store.setState(.deleted, of: "line")
                throw EngineError(.state, .never, "the change is taken back")
            }
        }
        try store.setState(.deleted, of: "line")
        try store.purge("line")
        let entries = try AuditQueries(database.connection).page(.init(), before: nil, limit: 20).entries
        #expect(
            entries.reversed().map(\.action) == [
                "topology.apply", "topology.rollback", "topology.pause", "topology.resume", "topology.delete",
                "topology.purge",
            ])
        #expect(entries.allSatisfy { $0.actor == "operator:maria" && $0.object == "topology:line" })
        #expect(entries.last?.after.map { String(decoding: $0, as: UTF8.self) } == #"{"version":1,"origin":"apply"}"#)
        #expect(try deployment().state == .deleted)
    }

    @Test func whatWasActiveBeforeDeploymentsExistedIsDeployed() throws {
        let old = try TestDatabase(migrated: false)
        let before = Migration.all.filter { $0.version < Migration.deployments.version }
        try Migrator(old.connection, migrations: before).migrate()
        // As the version of egiz that knows no deployments stores it.
        try old.connection.execute(
            """
            insert into egiz.topology (name, version, text, active) values ('line', 1, 'a', false), ('line', 2, 'b', true);
            insert into egiz.topology (name, version, text, active) values ('gone', 1, 'a', false)
            """)
        try Migrator(old.connection).migrate()
        let deployments = try PostgresDeploymentStore(url: old.url).snapshot().deployments
        #expect(deployments.map(\.name) == ["line"])
        #expect(deployments.first?.wantedVersion == 2 && deployments.first?.runningVersion == 2)
    }

    @Test func aDeletedTopologyComesBackWithANewTextOnlyWhenItIsSwitchedTo() throws {
        _ = try store.save("line", text: "a", origin: "apply")
        try store.switchTo(1, of: "line")
        try store.setState(.deleted, of: "line")
        #expect(try PostgresTopologyStore(database.connection).list().isEmpty)
        #expect(try store.save("line", text: "b", origin: "apply") == 2)
        #expect(try deployment().state == .running)
        #expect(try deployment().runningVersion == nil)
        #expect(try PostgresTopologyStore(database.connection).list().map(\.version) == [2])
    }

    @Test func aPausedTopologyStaysPausedWhenSomethingIsApplied() throws {
        _ = try store.save("line", text: "a", origin: "apply")
        try store.setState(.paused, of: "line")
        _ = try store.save("line", text: "b", origin: "apply")
        #expect(try deployment().state == .paused)
        let restarts = try deployment().restarts
        try store.setState(.running, of: "line")
        #expect(try deployment().restarts == restarts + 1)
    }

    @Test func workersAreSeenWithTheirReportsUntilTheyLeave() throws {
        let a = TestDatabase.worker("a")
        let b = TestDatabase.worker("b")
        let report = TopologyReport(
            topology: "line", preparedVersion: 2, runningVersion: 1, refusedVersion: 3, state: .refused, error: "x\0y")
        try store.beat(a, scope: nil, reports: [report])
        try store.beat(b, scope: ["line", "other"], reports: [])
        var workers = try store.snapshot().workers
        #expect(workers.map(\.identity) == [a, b])
        #expect(workers.map(\.scope) == [nil, ["line", "other"]])
        #expect(workers.map(\.isLive) == [true, true])
        #expect(workers[0].reports["line"]?.error == "x?y")
        #expect(workers[0].reports["line"]?.refusedVersion == 3)
        #expect(workers[1].reports.isEmpty)
        #expect(try store.snapshot().workers(of: "third").map(\.identity) == [a])

        try store.beat(a, scope: nil, reports: [])
        #expect(try store.snapshot().workers[0].reports.isEmpty)
        try database.connection.execute(
            "update egiz.worker set seen_at = clock_timestamp() - interval '4 seconds' where worker_id = 'b'")
        workers = try store.snapshot().workers
        #expect(workers.map(\.isLive) == [true, false])
        try store.leave(a)
        #expect(try store.snapshot().workers.map(\.identity) == [b])
    }

    @Test func refusedFilesAreReplacedByWhatTheFolderHoldsNow() throws {
        let first = RefusedFile(host: "h", path: "/etc/egiz/a.yaml", message: "1:1")
        let second = RefusedFile(host: "h", path: "/etc/egiz/b.yaml", message: "2:2")
        let elsewhere = RefusedFile(host: "i", path: "/etc/egiz/a.yaml", message: "3:3")
        let workers = ["h", "i"].map { WorkerIdentity(id: "on \($0)", host: $0, processID: 7) }
        for worker in workers { try store.beat(worker, scope: nil, reports: []) }
        try store.noteRefused([first, second], host: "h", folder: "/etc/egiz")
        try store.noteRefused([elsewhere], host: "i", folder: "/etc/egiz")
        #expect(try store.snapshot().refusedFiles == [first, second, elsewhere])
        try store.noteRefused([second], host: "h", folder: "/etc/egiz")
        #expect(try store.snapshot().refusedFiles == [second, elsewhere])
        // Nobody watches where no worker lives.
        try store.leave(workers[0])
        #expect(try store.snapshot().refusedFiles == [elsewhere])
        try store.beat(workers[1], scope: nil, reports: [])
        #expect(try database.count("topology_file") == 1)
    }

    @Test func aFailedChangeLeavesNothing() throws {
        #expect(throws: EngineError.self) {
            try store.exclusively { () throws(EngineError) in
                _ = try store.save("line", text: "a", origin: "apply")
                throw EngineError(.bug, .stop, "no")
            }
        }
        #expect(try store.snapshot().deployments.isEmpty)
        #expect(try store.versions(of: "line").isEmpty)
    }

    @Test func stagesTellPositionsAndWhetherTheyHoldState() throws {
        let tasks = database.store()
        let leases = try tasks.acquire([Epochs.task(0), Epochs.task(1)], partitions: 2, topologyVersion: 1)
        #expect(try store.stages(of: "line").map(\.hasState) == [false])
        let outcome = try database.writer().commit(Epochs.write([Epochs.advance(leases[0], 1, next: 10)]))
        #expect(outcome.isCommitted)
        let stage = try #require(try store.stages(of: "line").first)
        #expect(stage.name == Epochs.stage && stage.partitions == 2 && stage.hasState)
        #expect(stage.positions == [TopicPartition("twins", 0): NextOffset(stored: 10)])
    }

    @Test func purgingRemovesAllThatBelongsToTheStagesAndNothingElse() throws {
        let tasks = database.store()
        let other = Epochs.task(0, StageName(topology: "other", source: "events"))
        for (task, thing) in [(Epochs.task(), "a:b"), (other, "c:d")] {
            let lease = try #require(try tasks.acquire([task], partitions: 1, topologyVersion: 1).first)
            let outcome = try database.writer().commit(
                Epochs.write(
                    [Epochs.advance(lease, 1)], [Epochs.numbers(try Epochs.key(thing, "/x"), [(Epochs.start, 1)])],
                    [try Epochs.twin(thing, home: task)],
                    task == other ? [] : [Epochs.letter(offset: 1)]))
            #expect(outcome.isCommitted)
        }
        try store.purge("line")
        for table in ["stage", "task", "task_offset", "twin"] { #expect(try database.count(table) == 1, "\(table)") }
        #expect(try database.count("dead_letter") == 0)
        #expect(try database.count("stage where topology = 'line'") == 0)
        #expect(try database.history("a:b").count == 1, "history stays")
    }
}
