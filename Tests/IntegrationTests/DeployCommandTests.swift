import EgizPostgres
import EgizRuntime
import EgizTesting
import Foundation
import Testing

/// `egiz topology apply` and its relatives as an operator meets them: programs on the embedded broker.
@Suite(.serialized)
struct DeployCommandTests {
    private func egiz(_ world: TestWorld, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let program = try Program("egiz", arguments, environment: world.environment)
        let status = program.wait()
        // The pipe is read on another thread; its end may come after the program's.
        _ = eventually(within: 2) { !program.output.isEmpty }
        return (status, program.output)
    }

    private func world() throws -> TestWorld { try TestWorld(topics: [("telemetry.v1", 2)]) }

    private func write(_ world: TestWorld, _ file: URL, name: String = "line", _ change: (String) -> String = { $0 })
        throws
    {
        let text = """
            apiVersion: egiz/v1
            kind: Topology
            metadata: { name: \(name)-\(world.suffix), description: one }
            spec:
              commit: { interval: 50ms }
              sources:
                events: { topics: [{ name: \(world.topic("telemetry.v1")), partitions: 2 }], format: telemetry }
              processors:
                twins: { kind: twin-projector, from: events }

            """
        try change(text).write(to: file, atomically: true, encoding: .utf8)
    }

    private func second(_ text: String) -> String { text.replacingOccurrences(of: "one", with: "two") }

    @Test(.timeLimit(.minutes(3)))
    func aVersionGoesFromTheFileToTheWorkersAndBack() async throws {
        try await blocking {
            let world = try world()
            let name = "line-\(world.suffix)"
            let file = world.folder.appendingPathComponent("line.yaml")
            try write(world, file)
            let dry = try egiz(world, ["topology", "apply", "--dry-run", file.path])
            #expect(dry.status == 0 && dry.output.contains("\(name).events  new, from earliest"), "\(dry.output)")
            #expect(dry.output.contains("twins (twin-projector)  since earliest"), "\(dry.output)")
            #expect(try egiz(world, ["topology", "list"]).output.contains("nothing is deployed"))

            let worker = try Program("egiz", ["worker"], environment: world.environment)
            let waiting = eventually(within: 30) { worker.output.contains("nothing is deployed") }
            #expect(waiting, "\(worker.output)")
            let applied = try egiz(world, ["topology", "apply", "--wait", file.path])
            #expect(applied.status == 0 && applied.output.contains("version 1 runs"), "\(applied.output)")
            let again = try egiz(world, ["topology", "apply", file.path])
            #expect(again.status == 0 && again.output.contains("unchanged, version 1"), "\(again.output)")

            let connection = try world.connect()
            let taken = try eventually(within: 30) {
                try connection.query("select count(*) from egiz.task_offset").int64(0, 0) == 2
            }
            #expect(taken, "\(worker.output)")
            try write(world, file, second)
            let difference = try egiz(world, ["topology", "diff", file.path])
            #expect(difference.status == 1, "\(difference.output)")
            #expect(difference.output.contains("\n-metadata:") && difference.output.contains("\n+metadata:"))
            let json = try egiz(world, ["topology", "apply", "--json", "--wait", file.path])
            #expect(json.status == 0 && json.output.contains(#""start" : "keeps""#), "\(json.output)")
            #expect(json.output.contains(#""version" : 2"#), "\(json.output)")
            let back = try egiz(world, ["topology", "rollback", name, "--wait"])
            #expect(back.status == 0 && back.output.contains("version 3 runs"), "\(back.output)")

            let paused = try egiz(world, ["topology", "pause", name, "--wait"])
            #expect(paused.status == 0 && paused.output.contains("\(name): paused"), "\(paused.output)")
            let list = try egiz(world, ["topology", "list"])
            #expect(list.status == 0 && list.output.contains(" paused "), "\(list.output)")
            #expect(try egiz(world, ["topology", "resume", name, "--wait"]).status == 0)
            let listing = try egiz(world, ["topology", "list", "--json"])
            #expect(listing.output.contains(#""runningVersion" : 3"#), "\(listing.output)")
            let deleted = try egiz(world, ["topology", "delete", name, "--purge"])
            #expect(deleted.status == 0 && deleted.output.contains("deleted and purged"), "\(deleted.output)")
            let misspelt = try egiz(world, ["topology", "pause", name])
            #expect(misspelt.status != 0 && misspelt.output.contains("it was deleted"), "\(misspelt.output)")
            #expect(worker.isRunning, "a worker that follows deployments stays\n\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func filesWithFaultsAndSecondWritersAreRefusedWhole() async throws {
        try await blocking {
            let world = try world()
            let good = world.folder.appendingPathComponent("good.yaml")
            let broken = world.folder.appendingPathComponent("broken.yaml")
            let other = world.folder.appendingPathComponent("other.yaml")
            try write(world, good)
            try write(world, broken, name: "broken") {
                $0.replacingOccurrences(of: "twin-projector", with: "twin-projecter").replacingOccurrences(
                    of: "format:", with: "fromat:")
            }
            try write(world, other, name: "other")
            let faults = try egiz(world, ["topology", "apply", good.path, broken.path])
            #expect(faults.status == 1, "\(faults.output)")
            #expect(faults.output.contains("broken.yaml:7:") && faults.output.contains("broken.yaml:9:"))
            #expect(try egiz(world, ["topology", "list"]).output.contains("nothing is deployed"))

            #expect(try egiz(world, ["topology", "apply", good.path]).status == 0)
            let writers = try egiz(world, ["topology", "apply", other.path])
            #expect(writers.status == 1, "\(writers.output)")
            for word in ["other-\(world.suffix).events", "line-\(world.suffix).events", "refused, nothing was changed"]
            {
                #expect(writers.output.contains(word), "\(writers.output)")
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aWatchedFolderIsAppliedAlsoThroughSymbolicLinksAndABadFileIsRefused() async throws {
        try await blocking {
            let world = try world()
            let name = "line-\(world.suffix)"
            // As Kubernetes mounts a ConfigMap: the file links to ..data, which links to the present folder.
            let files = FileManager.default
            let folder = world.folder.appendingPathComponent("etc")
            func publish(_ version: String, _ change: (String) -> String) throws {
                let target = folder.appendingPathComponent("..\(version)")
                try files.createDirectory(at: target, withIntermediateDirectories: true)
                try write(world, target.appendingPathComponent("line.yaml"), change)
                let draft = folder.appendingPathComponent("..tmp")
                try files.createSymbolicLink(atPath: draft.path, withDestinationPath: "..\(version)")
                #expect(rename(draft.path, folder.appendingPathComponent("..data").path) == 0)
            }
            try publish("v1") { $0 }
            try files.createSymbolicLink(
                atPath: folder.appendingPathComponent("line.yaml").path, withDestinationPath: "..data/line.yaml")
            let worker = try Program(
                "egiz", ["worker", "--topology-dir", folder.path, "--prune"], environment: world.environment)
            let store = PostgresDeploymentStore(url: world.database)
            func running() throws -> [Int64?] {
                try store.snapshot().workers.map { $0.reports[name]?.runningVersion }
            }
            let first = try eventually(within: 30) { try running() == [1] }
            #expect(first, "\(worker.output)")
            try publish("v2", second)
            let changed = try eventually(within: 20) { try running() == [2] }
            #expect(changed, "\(worker.output)")

            try publish("v3") { $0.replacingOccurrences(of: "twin-projector", with: "twin-projecter") }
            let refused = try eventually(within: 20) { try !store.snapshot().refusedFiles.isEmpty }
            #expect(refused, "\(worker.output)")
            let list = try egiz(world, ["topology", "list"])
            #expect(list.status == 1 && list.output.contains("line.yaml:9:"), "\(list.output)")
            #expect(worker.output.contains("line.yaml:9:"), "\(worker.output)")
            #expect(try running() == [2], "the old one keeps running")

            try publish("v4") { $0 }
            let mended = try eventually(within: 20) {
                try running() == [3] && store.snapshot().refusedFiles.isEmpty
            }
            #expect(mended, "\(worker.output)")

            // Another file stays, so the folder is not merely unmounted.
            try write(world, folder.appendingPathComponent("other.yaml"), name: "other") {
                $0.replacingOccurrences(of: world.topic("telemetry.v1"), with: world.topic("other.v1"))
            }
            let both = try eventually(within: 20) { try store.snapshot().deployments.count == 2 }
            #expect(both, "\(worker.output)")
            try files.removeItem(at: folder.appendingPathComponent("line.yaml"))
            let pruned = try eventually(within: 20) {
                try store.snapshot().deployment(name)?.state == .deleted && running() == [nil]
            }
            #expect(pruned, "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func twoWorkersOnKafkaSwitchUnderLoadAndLoseNothing() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 8)])
            let topic = world.topic("ditto.twin.events.v1")
            let name = "line-\(world.suffix)"
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 8)
            let workers = try [0, 1].map { _ in try Program("egiz", ["worker"], environment: world.environment) }
            var output: String { workers.map(\.output).joined(separator: "\n---\n") }
            let applied = try egiz(world, ["topology", "apply", "--wait", file.path])
            #expect(applied.status == 0, "\(applied.output)")
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "40", "--events", "60000", "--rate",
                    "5000", "--seed", "3", "--topic-ditto", topic,
                ])
            let connection = try world.connect()
            func processed() throws -> Int64 {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
            }
            for version in 2...3 {
                let before = try processed()
                let moving = try eventually(within: 60) { try processed() > before + 2000 }
                #expect(moving, "\(output)")
                let changed = try String(contentsOf: file, encoding: .utf8) + "\n# \(version)"
                try changed.write(to: file, atomically: true, encoding: .utf8)
                let next = try egiz(world, ["topology", "apply", "--wait", file.path])
                #expect(next.status == 0 && next.output.contains("\(name).events  keeps"), "\(next.output)\n\(output)")
            }
            #expect(simulator.wait() == 0, "\(simulator.output)")
            let fold = try LogFold(world: world, topic: topic)
            let done = try eventually(within: 90) { try processed() >= Int64(fold.records) }
            #expect(done, "\(output)")
            for worker in workers { #expect(worker.stop() == 0, "\(worker.output)") }
            let differences = try StoredState(connection).differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
            let counted = try connection.query("select sum((counters ->> 'records')::bigint)::bigint from egiz.task")
            #expect(counted.int64(0, 0) == Int64(fold.records))
            #expect(!output.contains("topology stopped"), "\(output)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aWorkerWithFilesAppliesThemAndFollowsWhatIsAppliedLater() async throws {
        try await blocking {
            let world = try world()
            let name = "line-\(world.suffix)"
            let file = world.folder.appendingPathComponent("line.yaml")
            try write(world, file)
            let worker = try world.startWorker(file)
            let store = PostgresDeploymentStore(url: world.database)
            func running() throws -> [Int64?] {
                try store.snapshot().workers.map { $0.reports[name]?.runningVersion }
            }
            let first = try eventually(within: 30) { try running() == [1] }
            #expect(first, "\(worker.output)")
            try write(world, file, second)
            #expect(try egiz(world, ["topology", "apply", "--wait", file.path]).status == 0)
            #expect(try running() == [2])
            #expect(worker.stop() == 0, "\(worker.output)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aWorkerAndAnAPIRefuseANewerSchema() async throws {
        try await blocking {
            let world = try world()
            let file = world.folder.appendingPathComponent("line.yaml")
            try write(world, file)
            try world.connect().execute("insert into egiz.schema_migration values (99, 'future', 'x')")
            for arguments in [["worker"], ["worker", file.path], ["api"], ["topology", "list"]] {
                let refused = try egiz(world, arguments)
                #expect(refused.status != 0)
                #expect(
                    refused.output.contains("99 (future)") && refused.output.contains("run the newer version"),
                    "\(arguments): \(refused.output)")
            }
        }
    }
}
