import EgizTesting
import Foundation
import Testing

/// `examples/quickstart.sh`: the session of a new user, by curl, against an `egiz up` that the script starts for itself.
@Suite struct QuickstartTests {
    private static let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("examples/quickstart.sh")

    @Test(.timeLimit(.minutes(3)))
    func theSessionOfANewUserGoesThroughFromTheAccountToTheAcknowledgedAlert() async throws {
        try await blocking {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "egiz-quickstart-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let session = try Program(
                "/bin/bash", [Self.script.path],
                environment: ["EGIZ": Program.folder.appendingPathComponent("egiz").path], directory: folder)
            let code = session.wait()
            _ = eventually(within: 2) { session.output.contains("quickstart: ") }
            #expect(code == 0 && session.output.contains("quickstart: done"), "\(session.output)")
        }
    }
}
