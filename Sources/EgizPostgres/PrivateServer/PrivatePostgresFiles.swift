import EgizCore
import Foundation
import Glibc

/// The files around a private server.
enum PrivatePostgresFiles {
    private static let settingsName = "egiz.conf"

    static func createParent(of path: String) throws(EngineError) {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do { try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true) } catch {
            throw EngineError(.config, .stop, "cannot create \(parent): \(error.localizedDescription)")
        }
    }

    static func createFolder(_ path: String, account: ServerAccount) throws(EngineError) {
        try createParent(of: path)
        guard mkdir(path, 0o700) == 0 else {
            throw EngineError(.config, .stop, "cannot create \(path): \(String(cString: strerror(errno)))")
        }
        try account.own(path)
    }

    /// Writes a file that only its owner can read.
    static func write(_ text: String, to path: String, account: ServerAccount?) throws(EngineError) {
        unlink(path)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw EngineError(.config, .stop, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw EngineError(.config, .stop, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        try account?.own(path)
    }

    /// Makes a new cluster read our settings; what an operator adds below the line wins.
    static func include(_ directory: String) throws(EngineError) {
        let path = directory + "/postgresql.conf"
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw EngineError(.config, .stop, "cannot write \(path)")
        }
        defer { try? file.close() }
        do {
            try file.seekToEnd()
            try file.write(
                contentsOf: Data(
                    "\n# Written by egiz at each start; settings below this line win.\ninclude '\(settingsName)'\n".utf8
                ))
        } catch {
            throw EngineError(.config, .stop, "cannot write \(path): \(error.localizedDescription)")
        }
    }

    static func writeSettings(_ directory: String, port: UInt16, isDurable: Bool, account: ServerAccount)
        throws(EngineError)
    {
        // TCP on loopback alone: a socket file would need a folder that both users can reach, and nobody needs it.
        var text = """
            listen_addresses = '127.0.0.1'
            port = \(port)
            unix_socket_directories = ''
            max_connections = 100
            shared_buffers = 256MB
            max_wal_size = 2GB
            min_wal_size = 256MB
            checkpoint_completion_target = 0.9
            autovacuum_vacuum_scale_factor = 0.1
            random_page_cost = 1.1
            jit = off
            timezone = 'UTC'
            log_timezone = 'UTC'
            log_line_prefix = '%m [%p] %a '
            log_min_messages = warning

            """
        if !isDurable { text += "fsync = off\nfull_page_writes = off\nautovacuum = off\n" }
        try write(text, to: "\(directory)/\(settingsName)", account: account)
        trimLog(directory)
    }

    /// The port of the last start.
    static func port(_ directory: String) -> UInt16? {
        guard let text = try? String(contentsOfFile: "\(directory)/\(settingsName)", encoding: .utf8) else {
            return nil
        }
        for line in text.split(separator: "\n") where line.hasPrefix("port = ") { return UInt16(line.dropFirst(7)) }
        return nil
    }

    static func endOfLog(_ directory: String) -> String {
        let text = (try? String(contentsOfFile: "\(directory)/server.log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    // The server appends for ever; a start is the moment to begin anew.
    private static func trimLog(_ directory: String) {
        let path = "\(directory)/server.log"
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        if size > 16 << 20 { truncate(path, 0) }
    }
}
