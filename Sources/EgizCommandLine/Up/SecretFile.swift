import EgizCore
import EgizHTTP
import Foundation

/// `.egiz/jwt-secret`: what signs the tokens of `egiz up`, so that they hold over a restart. Made once, readable by its owner only.
struct SecretFile: Sendable {
    let url: URL

    init(directory: URL) { url = directory.appendingPathComponent("jwt-secret") }

    /// Errors: `.config`/`.stop` where the file can be neither read nor made, or holds no secret.
    func secret() throws(EngineError) -> TokenSecret {
        if let text = try? String(contentsOf: url, encoding: .utf8) {
            return try TokenSecret(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        let text = TokenSecret.randomText()
        guard
            FileManager.default.createFile(
                atPath: url.path, contents: Data((text + "\n").utf8), attributes: [.posixPermissions: 0o600])
        else {
            throw EngineError(
                .config, .stop,
                "\(url.path) cannot be written; set EGIZ_DATA_DIR to a folder you may write, or EGIZ_JWT_SECRET_FILE")
        }
        return try TokenSecret(text)
    }
}
