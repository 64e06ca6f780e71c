import ArgumentParser
import EgizRuntime

extension TopologyCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what is deployed, and what each worker runs of it.",
            discussion: """
                Exits with 1 where a worker refuses or has failed a version, or a file of a watched folder is refused.

                EXAMPLES
                  egiz topology list
                  egiz topology list --json | jq '.items[] | {name, wantedVersion, runningVersion, status}'
                """)
        @OptionGroup var common: CommonOptions
        @ArgumentParser.Flag(help: "Deleted topologies as well.") var all = false
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            let snapshot = try session.store.snapshot()
            let listing = DeploymentJSON(snapshot, all: all)
            Console.print(json ? try DeploymentText.json(listing) : Self.text(listing))
            let isBad = snapshot.deployments.contains { deployment in
                switch Rollout.of(deployment, workers: snapshot.workers(of: deployment.name)) {
                case .refused, .failed: true
                default: false
                }
            }
            if isBad || !snapshot.refusedFiles.isEmpty { throw ExitCode(1) }
        }

        static func text(_ listing: DeploymentJSON) -> String {
            var parts: [String] = []
            if listing.items.isEmpty {
                parts.append("nothing is deployed; `egiz topology apply FILE` deploys a file")
            } else {
                var rows = [["TOPOLOGY", "STATE", "WANTED", "RUNNING", "STATUS"]]
                for item in listing.items {
                    rows.append([
                        item.name, item.state.rawValue, "\(item.wantedVersion)", version(item.runningVersion),
                        firstLine(item.status),
                    ])
                }
                parts.append(DeploymentText.table(rows))
            }
            var rows = [["WORKER", "TOPOLOGY", "PREPARED", "RUNNING", "STATE", "WHY"]]
            for item in listing.items {
                for worker in item.workers {
                    let state = worker.live ? worker.state ?? "starting" : "gone"
                    let silence = "not seen for \(Int(worker.secondsSinceSeen)) s"
                    rows.append([
                        "\(worker.host) \(worker.pid)", item.name, version(worker.preparedVersion),
                        version(worker.live ? worker.runningVersion : nil), state,
                        worker.live ? worker.error.map(firstLine) ?? "" : silence,
                    ])
                }
            }
            if rows.count > 1 { parts.append(DeploymentText.table(rows)) }
            for file in listing.refusedFiles { parts.append("refused on \(file.host):\n\(file.message)") }
            return parts.joined(separator: "\n\n")
        }

        private static func version(_ version: Int64?) -> String { version.map(String.init) ?? "-" }

        /// Faults of a file have a line each; the table has room for one, --json has them all.
        private static func firstLine(_ text: String) -> String {
            let lines = text.split(separator: "\n")
            return lines.count > 1 ? "\(lines[0]) (and \(lines.count - 1) more)" : text
        }
    }
}
