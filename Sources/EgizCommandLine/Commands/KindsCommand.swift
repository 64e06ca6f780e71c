import ArgumentParser
import EgizCore
import EgizProcessors
import EgizTopologyFile

/// `egiz kinds`: the processor kinds of this program.
struct KindsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kinds", abstract: "Lists the processor kinds with their YAML words.",
        discussion: """
            EXAMPLES
              egiz kinds
              egiz kinds --markdown alert-rule
              egiz kinds --json | jq '.[].kind'
            """)
    @Argument(help: "Only this kind.") var kind: String?
    @ArgumentParser.Flag(help: "Print JSON.") var json = false
    @ArgumentParser.Flag(help: "Print the reference in Markdown.") var markdown = false

    func validate() throws {
        if json, markdown { throw ValidationError("--json or --markdown, not both") }
        let known = Kinds.registry.entries.map(\.spec.kind)
        guard let kind, !known.contains(kind) else { return }
        let hint = NearestWord.find(kind, among: known).map { "; did you mean \($0)?" } ?? ""
        throw ValidationError("there is no kind \(kind), known are \(known.joined(separator: ", "))\(hint)")
    }

    func run() {
        let entries = Kinds.registry.entries.filter { kind == nil || $0.spec.kind == kind }
        let registry = ProcessorRegistry(entries)
        if json {
            Console.print(KindList.json(registry: registry))
        } else if markdown {
            Console.print(TopologyReference.kinds(registry: registry))
        } else {
            Console.print(KindList.text(registry: registry))
        }
    }
}
