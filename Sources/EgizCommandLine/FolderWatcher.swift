import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTopologyFile
import Foundation
import Logging
import ServiceLifecycle

/// `egiz worker --topology-dir`: applies the files of a folder when they change. Any worker that sees a change applies it; the
/// others then find the text deployed already.
///
/// Contents are compared, not times: the symbolic links of a Kubernetes ConfigMap are followed at each look, and change at once.
/// Unchecked: everything mutable is touched by one thread.
final class FolderWatcher: Service, @unchecked Sendable {
    private let folder: String
    private let prunes: Bool
    private let host: String
    private let database: String
    private let logger: Logger
    private let stopFlag = EgizRuntime.Flag()
    private var watch = FolderWatch()
    private var refused: [RefusedFile] = []
    private var looks = 0

    static let interval = Duration.milliseconds(500)
    /// Refused files are tried again every so many looks: what stood in their way may be gone.
    private static let retryEvery = 20

    init(folder: String, prunes: Bool, host: String, database: String, logger: Logger) {
        self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.prunes = prunes
        self.host = host
        self.database = database
        self.logger = logger
    }

    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            await OSThread(name: "egiz-folder") { [self] in work() }.joined()
        } onCancelOrGracefulShutdown: { [self] in
            stopFlag.raise()
        }
    }

    private func work() {
        let store = PostgresDeploymentStore(url: database)
        defer { store.close() }
        var isAway = false
        while !stopFlag.isRaised {
            do throws(EngineError) {
                try look(store)
                isAway = false
            } catch {
                if !isAway {
                    logger.warning("the watched folder waits for Postgres", metadata: ["egiz.error": "\(error)"])
                }
                isAway = true
            }
            stopFlag.wait(until: Date(timeIntervalSinceNow: Self.interval.seconds))
        }
    }

    private func look(_ store: any DeploymentStore) throws(EngineError) {
        let files = read()
        looks += 1
        let isDue = watch.look(files)
        guard isDue || (!refused.isEmpty && looks % Self.retryEvery == 0) else { return }
        let loader = TopologyLoader.standard
        let loaded = loader.load(paths: files.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        var problems = loaded.files.filter(\.hasErrors).map {
            RefusedFile(host: host, path: $0.file, message: $0.report.trimmingCharacters(in: .newlines))
        }
        var valid: [String: String] = [:]
        for file in loaded.files { valid[file.file] = file.topology?.name }
        problems.append(contentsOf: try apply(loaded.files, store))
        tell(problems)
        try store.noteRefused(problems, host: host, folder: folder)
        let gone = watch.settled(valid)
        refused = problems
        for name in gone { try remove(name, store) }
    }

    /// Content by path, links followed; a folder that cannot be read is empty.
    private func read() -> [String: [UInt8]?] {
        var files: [String: [UInt8]?] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            guard !name.hasPrefix("."), name.hasSuffix(".yaml") || name.hasSuffix(".yml"),
                !name.hasSuffix(".test.yaml"), !name.hasSuffix(".test.yml")
            else { continue }
            let path = "\(folder)/\(name)"
            guard let handle = FileHandle(forReadingAtPath: path) else {
                files[path] = .some(nil)
                continue
            }
            defer { try? handle.close() }
            // One byte beyond the limit tells a file that is too large; the loader says so.
            let data = try? handle.read(upToCount: TopologyLoader.maximumBytes + 1)
            files[path] = .some(data.map { [UInt8]($0) } ?? (data == nil ? nil : []))
        }
        return files
    }

    /// Applies each by itself: one that is refused does not hold up the others. Those in each other's way get a second chance.
    private func apply(_ files: [LoadedTopology], _ store: any DeploymentStore) throws(EngineError) -> [RefusedFile] {
        let deployer = StoredTopology.deployer(store)
        var rest = files.filter { !$0.hasErrors }
        var problems: [RefusedFile] = []
        for _ in 0..<2 where !rest.isEmpty {
            problems = []
            var left: [LoadedTopology] = []
            for file in rest {
                guard let topology = file.topology else { continue }
                guard
                    let result = try deployer.apply([topology], origin: "folder \(host):\(file.file)").first
                else { continue }
                switch result.outcome {
                case .applied:
                    logger.notice(
                        "topology applied from the watched folder",
                        metadata: [
                            "egiz.topology": "\(topology.name)", "egiz.version": "\(result.version ?? 0)",
                            "egiz.file": "\(file.file)",
                        ])
                case .refused:
                    left.append(file)
                    let reasons = result.plan.refusals.map { "\(file.file):1:1: error: \($0)" }
                    problems.append(
                        RefusedFile(host: host, path: file.file, message: reasons.joined(separator: "\n")))
                case .unchanged, .planned: break
                }
            }
            rest = left
        }
        return problems
    }

    private func tell(_ problems: [RefusedFile]) {
        for problem in problems where !refused.contains(problem) {
            logger.error(
                "topology file refused; what ran before goes on", metadata: ["egiz.error": "\(problem.message)"])
        }
        for solved in refused where !problems.contains(where: { $0.path == solved.path }) {
            logger.notice("topology file is no longer refused", metadata: ["egiz.file": "\(solved.path)"])
        }
    }

    private func remove(_ name: String, _ store: any DeploymentStore) throws(EngineError) {
        guard prunes else {
            logger.notice(
                "no file holds the topology any more; it goes on (--prune would have deleted it, see `egiz topology delete`)",
                metadata: ["egiz.topology": "\(name)"])
            return
        }
        guard try store.snapshot().deployment(name)?.state != .deleted else { return }
        if try StoredTopology.deployer(store).setState(.deleted, of: name) {
            logger.notice(
                "topology deleted, its file is gone; positions and state are kept",
                metadata: ["egiz.topology": "\(name)"])
        }
    }
}
