import Foundation

/// A program of this package as a child process, with its output kept for the failure message.
///
/// Unchecked: the output is guarded by `lock`; `Process` is used by one test at a time.
final class Program: @unchecked Sendable {
    private let process = Process()
    private let pipe = Pipe()
    private let lock = NSLock()
    private var collected = Data()

    /// The folder of the built programs: that of the test runner's own bundle.
    static var folder: URL {
        let runner = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var folder = runner.deletingLastPathComponent()
        while folder.path != "/" {
            if FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent("egiz").path) {
                return folder
            }
            folder = folder.deletingLastPathComponent()
        }
        return Bundle.main.bundleURL
    }

    /// - Parameter name: a program of this package, or the path of another one.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil) throws {
        process.executableURL =
            name.hasPrefix("/") ? URL(fileURLWithPath: name) : Self.folder.appendingPathComponent(name)
        process.arguments = arguments
        // Nothing of the caller's settings leaks into the program under test.
        var merged = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("EGIZ_") }
        merged.merge(environment) { _, new in new }
        process.environment = merged
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        if let directory { process.currentDirectoryURL = directory }
        pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            guard let self, !data.isEmpty else {
                handle.readabilityHandler = nil
                return
            }
            self.lock.lock()
            self.collected.append(data)
            self.lock.unlock()
        }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var output: String {
        lock.lock()
        defer { lock.unlock() }
        return String(decoding: collected, as: UTF8.self)
    }

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func killNow() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to stop and waits; the exit status.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationStatus
    }

    @discardableResult
    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}
