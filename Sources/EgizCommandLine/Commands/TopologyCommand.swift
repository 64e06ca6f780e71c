import ArgumentParser
import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation

struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Topology files, and what is deployed of them.",
        discussion: """
            EXAMPLES
              egiz topology validate Topologies/*.yaml
              egiz topology explain Topologies/filling-line.yaml
              egiz topology test Topologies
              egiz topology apply --wait Topologies/filling-line.yaml
              EGIZ_KAFKA_BROKERS=k1:9092 EGIZ_DATABASE_URL=postgres://egiz@db/egiz \
                egiz topology repartition Topologies/filling-line.yaml
            """,
        subcommands: [
            Validate.self, Explain.self, Test.self, Apply.self, List.self, Diff.self, Rollback.self, Pause.self,
            Resume.self,
            Delete.self, Repartition.self,
        ])

    struct Validate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks topology files and prints every fault as file:line:column.",
            discussion: "EXAMPLE\n  egiz topology validate Topologies/*.yaml")
        @Argument(help: "Topology files.") var files: [String]

        func run() async throws {
            var failed = false
            for file in files {
                let loaded = TopologyLoader.standard.load(path: file)
                Console.print(loaded.report, terminator: "")
                if let topology = loaded.topology {
                    Console.print(
                        "\(file): ok, topology \(topology.name), \(topology.stages.count) stages, \(topology.processors.count) processors"
                    )
                } else {
                    failed = true
                }
            }
            if failed { throw ExitCode(1) }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Draws the graph of a topology as text, or as Mermaid.",
            discussion: """
                EXAMPLES
                  egiz topology explain Topologies/filling-line.yaml
                  egiz topology explain --mermaid Topologies/filling-line.yaml > line.mmd
                """)
        @Argument(help: "A topology file.") var file: String
        @Flag(help: "Only the text.") var text = false
        @Flag(help: "Only the Mermaid flowchart.") var mermaid = false

        func run() async throws {
            let loaded = TopologyLoader.standard.load(path: file)
            FileHandle.standardError.write(Data(loaded.report.utf8))
            guard let topology = loaded.topology else { throw ExitCode(1) }
            if !mermaid { Console.print(TopologyExplainer.text(of: topology, registry: Kinds.registry)) }
            if !mermaid, !text { Console.print("") }
            if !text { Console.print(TopologyExplainer.mermaid(of: topology, registry: Kinds.registry)) }
        }
    }
}
