import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation
import TestSupport
import Testing

/// Whatever a file holds, the loader answers: with a topology or with faults, never with a trap.
@Suite struct FuzzTests {
    private static let pieces = [
        "*", "&a ", "*a", "<<: *a", "{", "}", "[", "]", ": ", ",", "\n", "\r", "\t", "  ", "- ", "? ", "| \n", "> \n",
        "'", "\"",
        "\\", "#", "!", "!!str ", "%", "@", "`", "---\n", "...\n", "~", "null", "true", "-1", "9999999999999999999",
        "1e999",
        "twins", "from", "kind", "ä", "\u{301}", "😀", "\u{FEFF}", "\u{0}", "\u{85}", "\u{2028}", "\u{E000}",
        "\u{F8FE}x", "${", "${A}",
    ]

    @Test(arguments: 1...8)
    func mutationsOfTheDemoNeverTrap(_ seed: Int) throws {
        let demo = try String(
            contentsOf: repository.appendingPathComponent("Topologies/filling-line.yaml"), encoding: .utf8)
        let lines = demo.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            .filter { !$0.drop(while: { $0 == " " }).hasPrefix("#") }
        let original = Array(lines.joined(separator: "\n").unicodeScalars)
        var random = SeededGenerator(seed: UInt64(seed))
        var refused = 0
        for _ in 0..<250 {
            var scalars = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0...scalars.count, using: &random)
                let end = min(scalars.count, at + Int.random(in: 0...12, using: &random))
                switch Int.random(in: 0..<5, using: &random) {
                case 0: scalars.removeSubrange(at..<end)
                case 1: scalars.insert(contentsOf: Self.pieces.randomElement(using: &random)!.unicodeScalars, at: at)
                case 2:
                    scalars.replaceSubrange(at..<end, with: Self.pieces.randomElement(using: &random)!.unicodeScalars)
                case 3:
                    scalars.insert(contentsOf: scalars[at..<end], at: Int.random(in: 0...scalars.count, using: &random))
                default: scalars.removeSubrange(end..<scalars.count)
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            let loaded = load(String(view), environment: ["A": "1"])
            #expect(loaded.hasErrors == loaded.faults.contains { $0.severity == .error })
            #expect(loaded.faults == loaded.faults.sorted())
            #expect(loaded.faults.allSatisfy { $0.mark.line >= 1 && $0.mark.column >= 1 })
            if loaded.hasErrors { refused += 1 }
            // A topology that was let through stands every further step.
            if let topology = loaded.topology {
                #expect(topology.stages.reduce(0) { $0 + $1.processors.count } == topology.processors.count)
                _ = TopologyExplainer.text(of: topology, registry: .builtin)
                _ = TopologyExplainer.mermaid(of: topology, registry: .builtin)
            }
        }
        #expect(refused > 100)
    }
}
