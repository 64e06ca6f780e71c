import EgizTwin
import Foundation
import JWTKit

/// Reads a JWKS key by key: a set may hold keys for other purposes that our library does not know.
enum KeySetText {
    static func keys(in text: String) throws -> [JWK] {
        guard case .array(let elements) = try JSONParser().parse(Array(text.utf8)).object?["keys"] else {
            throw JSONError("it has no array `keys`")
        }
        let decoder = JSONDecoder()
        // A key that says it is for something else, such as encryption, signs no tokens.
        return elements.filter { ($0.object?["use"]?.string ?? "sig") == "sig" }
            .compactMap { try? decoder.decode(JWK.self, from: Data($0.text.utf8)) }
    }
}
