import Foundation
import Testing

/// The rules of ARCHITECTURE.md that a compiler does not hold us to.
@Suite struct ModuleRuleTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

    /// File name and code lines, comments left out, of every Swift file of a module.
    private static func files(of module: String) throws -> [(name: String, lines: [String])] {
        let folder = sources.appendingPathComponent(module)
        let names = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
        return try names.filter { $0.hasSuffix(".swift") }.map { name in
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            return ("\(module)/\(name)", lines.filter { !$0.hasPrefix("//") })
        }
    }

    @Test(arguments: ["EgizTwin", "EgizCore", "EgizProcessors"])
    func pureModulesKnowNoFoundationNoAsyncAndNoClock(_ module: String) throws {
        let files = try Self.files(of: module)
        try #require(!files.isEmpty)
        for (name, lines) in files {
            for line in lines {
                #expect(!line.contains("import Foundation") && !line.contains("import Glibc"), "\(name): \(line)")
                #expect(!line.contains(" async ") && !line.contains("await "), "\(name): \(line)")
                #expect(!line.contains("ContinuousClock") && !line.contains("SuspendingClock"), "\(name): \(line)")
            }
        }
    }

    @Test(arguments: [("EgizKafka", "EgizPostgres"), ("EgizPostgres", "EgizKafka"), ("EgizHTTP", "EgizKafka")])
    func adaptersDoNotImportEachOther(_ module: String, _ other: String) throws {
        let files = try Self.files(of: module)
        try #require(!files.isEmpty)
        for (name, lines) in files {
            #expect(!lines.contains { $0.hasSuffix("import \(other)") }, "\(name) imports \(other)")
        }
    }
}
