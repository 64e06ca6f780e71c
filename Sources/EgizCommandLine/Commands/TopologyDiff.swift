import ArgumentParser
import EgizCore
import EgizRuntime
import Foundation

extension TopologyCommand {
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares a file with what is deployed, or two versions of a topology.",
            discussion: """
                A file is compared with the version that is wanted, and what applying it would do is said. A name compares the \
                version that is wanted with the one before, or those that --from and --to name. Exits with 1 where they differ.

                EXAMPLES
                  egiz topology diff line.yaml
                  egiz topology diff filling-line
                  egiz topology diff filling-line --from 2 --to 5
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "A topology file, or the name of a deployed topology.") var nameOrFile: String
        @Option(help: "The older version.") var from: Int64?
        @Option(help: "The newer version.") var to: Int64?
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        private struct Output: Encodable {
            var topology: String
            var from: String
            var to: String
            var differs: Bool
            var lines: [String]
            var plan: PlanJSON?
        }

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            let isFile =
                nameOrFile.contains("/") || nameOrFile.hasSuffix(".yaml") || nameOrFile.hasSuffix(".yml")
                || FileManager.default.fileExists(atPath: nameOrFile)
            let output = try isFile ? file(session) : versions(session)
            if json {
                Console.print(try DeploymentText.json(output.0))
            } else {
                Console.print(Self.text(output.0, output.1))
            }
            if output.0.differs { throw ExitCode(1) }
        }

        private static func text(_ output: Output, _ plan: DeploymentPlan?) -> String {
            guard output.differs else { return "\(output.topology): \(output.from) and \(output.to) are the same" }
            let head = ["--- \(output.from)", "+++ \(output.to)"]
            return (head + output.lines + (plan.map { [""] + $0.lines } ?? [])).joined(separator: "\n")
        }

        private func file(_ session: DeploymentSession) throws -> (Output, DeploymentPlan?) {
            guard let topology = try Apply.load([nameOrFile]).first else { throw ExitCode(1) }
            let wanted = try session.store.snapshot().deployment(topology.name)?.wantedVersion
            let old = try wanted.flatMap { try session.store.text(of: topology.name, version: $0) }
            let results = try session.deployer.apply([topology], origin: "diff", dryRun: true)
            let output = Output(
                topology: topology.name, from: wanted.map { "version \($0)" } ?? "nothing deployed", to: nameOrFile,
                differs: old != topology.sourceText, lines: LineDiff.unified(old ?? "", topology.sourceText),
                plan: results.first.map(PlanJSON.init))
            return (output, results.first?.plan)
        }

        private func versions(_ session: DeploymentSession) throws -> (Output, DeploymentPlan?) {
            let versions = try session.store.versions(of: nameOrFile)
            let wanted = try session.store.snapshot().deployment(nameOrFile)?.wantedVersion
            guard let newest = to ?? wanted, let new = versions.first(where: { $0.version == newest }) else {
                throw EngineError(
                    .topology, .never,
                    to == nil
                        ? "no topology `\(nameOrFile)` is deployed, and no such file exists"
                        : "topology `\(nameOrFile)` has no version \(to ?? 0)")
            }
            let old =
                if let from { versions.first { $0.version == from } } else { versions.last { $0.version < newest } }
            guard let old else {
                throw EngineError(
                    .topology, .never,
                    from.map { "topology `\(nameOrFile)` has no version \($0)" }
                        ?? "topology `\(nameOrFile)` has one version only; there is nothing to compare it with")
            }
            func title(_ version: TopologyVersion) -> String {
                "version \(version.version), \(DeploymentText.time(version.appliedAt))"
                    + (version.origin.map { ", \($0)" } ?? "")
            }
            return (
                Output(
                    topology: nameOrFile, from: title(old), to: title(new), differs: old.text != new.text,
                    lines: LineDiff.unified(old.text, new.text)), nil
            )
        }
    }
}
