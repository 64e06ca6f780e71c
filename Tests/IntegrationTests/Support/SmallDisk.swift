import Foundation
import Glibc

/// A file system of few bytes, in memory, that a test can fill: only root may mount one.
final class SmallDisk {
    let folder: String

    static let canBeMade = geteuid() == 0 && getpwnam("postgres") != nil && SmallDisk.run("mount", ["--version"])

    /// For files of user `postgres`. Throws where this system does not let us mount.
    init(megabytes: Int) throws {
        folder = "/tmp/egiz-small-disk-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        guard Self.run("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0700,uid=postgres", "tmpfs", folder])
        else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit {
        _ = Self.run("umount", ["--lazy", folder])
        rmdir(folder)
    }

    private var ballast: String { folder + "/ballast" }

    /// Takes all the room that is left.
    func fill() {
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let block = [UInt8](repeating: 0x5A, count: 1 << 16)
        while write(file, block, block.count) > 0 {}
    }

    func makeRoom() { unlink(ballast) }

    private static func run(_ name: String, _ arguments: [String]) -> Bool {
        guard let program = try? Program("/usr/bin/env", [name] + arguments) else { return false }
        return program.wait() == 0
    }
}
