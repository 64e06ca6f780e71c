import EgizTesting
import Foundation
import Testing

/// The chaos harness in short (`make chaos` is the long form), and the proof of the fold that it compares with. Both are Python, on
/// purpose: they share no code with the engine.
@Suite(.serialized)
struct ChaosTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test(.timeLimit(.minutes(5)))
    func theIndependentFoldAgreesWithDittoAndTheComparisonFindsWhatIsLostOrDoubled() async throws {
        try await blocking {
            let tests = try Program(
                try Self.interpreter(), ["-m", "unittest", "discover", "-s", "chaos/tests", "-t", "."],
                directory: Self.root)
            #expect(tests.wait() == 0, "\(tests.output)")
            let said = eventually(within: 10) { tests.output.contains("\nOK\n") }
            #expect(said, "\(tests.output)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func underChaosNothingIsLostAndNothingIsDoubled() async throws {
        try await blocking {
            var environment = [
                "CHAOS_BIN": Program.folder.path, "CHAOS_MINUTES": "1", "CHAOS_RATE": "2000", "CHAOS_WORKERS": "2",
                "CHAOS_MACHINES": "60", "CHAOS_PARTITIONS": "16", "CHAOS_FAULTS": "12", "CHAOS_SEED": "20261",
                // A machine that runs other things beside it may be slower than the load.
                "CHAOS_LEAST_SHARE": "0.4",
            ]
            for name in ["EGIZ_KAFKA_BROKERS", "EGIZ_DATABASE_URL"] {
                environment[name] = ProcessInfo.processInfo.environment[name]
            }
            let chaos = try Program(
                try Self.interpreter(), ["chaos/run.py"], environment: environment, directory: Self.root)
            let status = chaos.wait()
            #expect(status == 0, "\(chaos.output)")
            let said = eventually(within: 10) { chaos.output.contains("\nall: 0 lost, 0 doubled\n") }
            #expect(said, "\(chaos.output)")
        }
    }

    /// The interpreter of the harness' own environment, which is made where it is missing.
    private static func interpreter() throws -> String {
        let setup = try Program("/bin/bash", ["chaos/venv.sh"], directory: root)
        let status = setup.wait()
        try #require(status == 0, "\(setup.output)")
        return root.appendingPathComponent(".egiz-venv/bin/python").path
    }
}
