import EgizTesting
import Foundation
import Testing

/// `benchmarks/registry/run.sh`, small: a change of each kind over the API is told and has its effect while events come in.
@Suite struct RegistryUnderLoadTests {
    private static let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("benchmarks/registry/run.sh")

    /// Epochs would last an hour: what is seen within a minute, on a machine that does much else, does not wait for them. How many
    /// milliseconds it takes the benchmark says.
    @Test(.timeLimit(.minutes(6)))
    func changesOfEachKindAreToldAndInForceWhileEventsComeAndEpochsLastAnHour() async throws {
        try await blocking {
            let run = try Program(
                "/bin/bash", [Self.script.path, "300", "2", "1h"],
                environment: ["EGIZ": Program.folder.appendingPathComponent("egiz").path, "BOUND": "60"])
            let code = run.wait()
            _ = eventually(within: 2) { run.output.contains("topology") }
            #expect(code == 0, "\(run.output)")
            let kinds = [
                "binding", "type (its binding)", "alert rule of a type", "task of a model", "task binding", "topology",
            ]
            for kind in kinds {
                #expect(run.output.contains("\n\(kind) "), "\(run.output)")
            }
        }
    }
}
