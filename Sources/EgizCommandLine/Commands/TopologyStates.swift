import ArgumentParser
import EgizCore
import EgizRuntime
import Foundation

extension TopologyCommand {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops a topology in all workers; it keeps its place.",
            discussion: """
                The running epochs are committed and the tasks released. Records wait in Kafka: mind its retention.

                EXAMPLE
                  egiz topology pause filling-line --wait
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The topology's name.") var name: String
        @OptionGroup var waiting: WaitOptions
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            let changed = try session.deployer.setState(.paused, of: name)
            try await TopologyCommand.finish(
                name, .paused, changed ? "paused" : "was paused already", session, waiting, json: json)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts a paused topology again, and one that has failed.",
            discussion: "EXAMPLE\n  egiz topology resume filling-line --wait")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The topology's name.") var name: String
        @OptionGroup var waiting: WaitOptions
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            _ = try session.deployer.setState(.running, of: name)
            try await TopologyCommand.finish(name, .running, "resumed", session, waiting, json: json)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops a topology and takes it off the list.",
            discussion: """
                Positions, twins and history stay: applied again it goes on where it stopped. With --purge its positions, twins, \
                dead letters and all other state of its stages are removed once every worker has stopped it, and it would begin \
                anew; history stays until its retention ends.

                EXAMPLES
                  egiz topology delete filling-line
                  egiz topology delete filling-line --purge
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The topology's name.") var name: String
        @ArgumentParser.Flag(help: "Remove its positions and state as well.") var purge = false
        @OptionGroup var waiting: WaitOptions
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let session = try DeploymentSession(try await Program.start(common))
            let changed = try session.deployer.setState(.deleted, of: name)
            if purge {
                guard try await session.wait(for: [name], seconds: waiting.timeout, say: { _ in }) else {
                    throw EngineError(
                        .topology, .backoff,
                        "\(name): deleted, but not purged: a worker still runs it; say `egiz topology delete \(name) --purge` again later"
                    )
                }
                try session.store.purge(name)
            }
            let done =
                purge ? "deleted and purged" : changed ? "deleted; positions and state are kept" : "was deleted already"
            try await TopologyCommand.finish(name, .deleted, done, session, waiting, json: json)
        }
    }

    private struct StateJSON: Encodable {
        var topology: String
        var state: Deployment.State
        var outcome: String
    }

    static func finish(
        _ name: String, _ state: Deployment.State, _ outcome: String, _ session: DeploymentSession,
        _ waiting: WaitOptions, json: Bool
    ) async throws {
        Console.print(
            json
                ? try DeploymentText.json(StateJSON(topology: name, state: state, outcome: outcome))
                : "\(name): \(outcome)")
        guard waiting.wait else { return }
        let isGood = try await session.wait(for: [name], seconds: waiting.timeout) { line in
            json ? FileHandle.standardError.write(Data((line + "\n").utf8)) : Console.print(line)
        }
        if !isGood { throw ExitCode(1) }
    }
}
