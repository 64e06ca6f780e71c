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
        return elements.compactMap { try? decoder.decode(JWK.self, from: Data($0.text.utf8)) }
    }
}
