import Foundation
import Logging

/// `.egiz/run.json`: the addresses of a running `egiz up`, for scripts. Written when the API answers, removed at the end.
struct RunFile: Sendable {
    struct Addresses: Codable, Sendable {
        var api: String
        var kafka: String
        /// A connection URL. The file is readable by its owner only, for it may hold a password.
        var postgres: String
        var pid: Int32
    }

    let url: URL

    init(directory: URL) { url = directory.appendingPathComponent("run.json") }

    func write(_ addresses: Addresses, logger: Logger) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(addresses) + Data("\n".utf8)
            // Created with its final rights, then renamed: nobody reads half a file or a password.
            let draft = url.appendingPathExtension("new")
            try? FileManager.default.removeItem(at: draft)
            guard
                FileManager.default.createFile(
                    atPath: draft.path, contents: data, attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            guard rename(draft.path, url.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            logger.warning("run.json cannot be written", metadata: ["egiz.reason": "\(url.path): \(error)"])
        }
    }

    func remove() { try? FileManager.default.removeItem(at: url) }
}
