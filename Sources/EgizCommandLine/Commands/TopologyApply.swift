import ArgumentParser
import EgizCore
import EgizRuntime
import EgizTopologyFile
import Foundation

extension TopologyCommand {
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deploys topology files: running workers pick them up without a restart.",
            discussion: """
                Checks every file whole, says for each stage whether it keeps its place, starts at stored offsets or is new, and \
                since when each new processor works; then stores the files as new versions, all or none. A text that is deployed \
                already changes nothing. Workers switch when all that live have prepared the version.

                EXAMPLES
                  egiz topology apply Topologies/*.yaml
                  egiz topology apply --dry-run line.yaml      what it would do
                  egiz topology apply --wait line.yaml         until the workers run it; 1 where one refuses
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "Topology files.") var files: [String]
        @ArgumentParser.Flag(help: "Say what would be done, and do nothing.") var dryRun = false
        @OptionGroup var allowances: AllowanceOptions
        @OptionGroup var waiting: WaitOptions
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let settings = try await Program.start(common)
            let topologies = try Self.load(files)
            let session = try DeploymentSession(settings)
            let results = try session.deployer.apply(
                topologies, origin: "apply", allowing: allowances.allowances, dryRun: dryRun)
            try await Self.finish(results, session, waiting, json: json, dryRun: dryRun)
        }

        /// All topologies, or every fault of every file. The environment is that of the workers, not of this command.
        static func load(_ files: [String]) throws -> [Topology] {
            // A file that cannot be read is told of by the loader itself.
            let texts = files.compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }.joined(separator: "\n")
            let (loader, unset) = StoredTopology.loader(for: texts)
            let loaded = loader.load(paths: files)
            FileHandle.standardError.write(Data(loaded.report.utf8))
            if loaded.hasErrors { throw ExitCode(1) }
            for name in unset {
                let note = "note: ${\(name)} is not set here; each worker takes its own\n"
                FileHandle.standardError.write(Data(note.utf8))
            }
            return loaded.topologies
        }

        static func finish(
            _ results: [Deployer.Result], _ session: DeploymentSession, _ waiting: WaitOptions, json: Bool, dryRun: Bool
        ) async throws {
            let isRefused = results.contains { $0.outcome == .refused }
            if json {
                Console.print(try DeploymentText.json(results.map(PlanJSON.init)))
            } else {
                for result in results { Console.print(text(result, isRefused: isRefused, dryRun: dryRun)) }
            }
            if isRefused { throw ExitCode(1) }
            guard waiting.wait, !dryRun else { return }
            let names = results.map(\.plan.topology)
            let isGood = try await session.wait(for: names, seconds: waiting.timeout) { line in
                json ? FileHandle.standardError.write(Data((line + "\n").utf8)) : Console.print(line)
            }
            if !isGood { throw ExitCode(1) }
        }

        private static func text(_ result: Deployer.Result, isRefused: Bool, dryRun: Bool) -> String {
            let name = result.plan.topology
            let paused = result.state == .paused ? "; it is paused, `egiz topology resume \(name)` starts it" : ""
            let last =
                switch result.outcome {
                case .unchanged: "\(name): unchanged, version \(result.version ?? 0)\(paused)"
                case .applied: "\(name): applied as version \(result.version ?? 0)\(paused)"
                case .refused: "\(name): refused, nothing was changed"
                case .planned where dryRun: "\(name): would be applied"
                case .planned: "\(name): not applied, because another file was refused"
                }
            let lines = result.outcome == .unchanged ? [] : result.plan.lines
            return (lines + [last]).joined(separator: "\n")
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an older text of a topology its newest version.",
            discussion: """
                Versions only rise: going back from 5 to 4 gives version 6 with the text of 4. Without --to it goes back to the \
                text before the present one, or to the running one where the present one was never switched to. The same checks \
                as in `apply` hold.

                EXAMPLES
                  egiz topology rollback filling-line
                  egiz topology rollback filling-line --to 3 --wait
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The topology's name.") var name: String
        @Option(help: "The version whose text is taken.") var to: Int64?
        @ArgumentParser.Flag(help: "Say what would be done, and do nothing.") var dryRun = false
        @OptionGroup var allowances: AllowanceOptions
        @OptionGroup var waiting: WaitOptions
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            let result = try session.deployer.rollBack(
                name, to: to, allowing: allowances.allowances, dryRun: dryRun)
            try await Apply.finish([result], session, waiting, json: json, dryRun: dryRun)
        }
    }
}
