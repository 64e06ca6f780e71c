import EgizCore
import Foundation
import Glibc

/// Runs a program to its end. In a process group of its own, so that Ctrl-C in our terminal does not reach it.
enum Subprocess {
    struct Outcome {
        var status: Int32
        /// Standard output and error, mixed.
        var output: String
    }

    /// Blocks until the program has ended. Its output goes through a file: a server that the program leaves behind would keep a
    /// pipe open for ever.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws(EngineError) -> Outcome {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-\(UUID().uuidString).out").path
        let output = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else {
            throw EngineError(.config, .stop, "cannot write to \(file): \(String(cString: strerror(errno)))")
        }
        defer {
            close(output)
            unlink(file)
        }
        let child = try spawn(arguments, environment, output)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        return Outcome(status: code, output: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func spawn(_ arguments: [String], _ environment: [String: String], _ output: Int32)
        throws(EngineError) -> pid_t
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let merged = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let error = posix_spawnp(&child, arguments[0], &actions, &attributes, &argv, &envp)
        guard error == 0 else {
            throw EngineError(.config, .stop, "cannot run \(arguments[0]): \(String(cString: strerror(error)))")
        }
        return child
    }
}
