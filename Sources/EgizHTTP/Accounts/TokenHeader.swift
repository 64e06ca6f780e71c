import EgizTwin

/// The head of a JSON Web Token, read before any library looks at it: what decides which keys may have signed it.
struct TokenHeader: Equatable {
    private static let longest = 8192

    var algorithm: String
    var key: String?

    /// Nil where the text is no signed token of ours or an identity provider: three parts in base64url, a header that is an object of
    /// texts (numbers have no place in it, nor have extensions that must be understood), and an algorithm.
    init?(of token: String) {
        guard token.utf8.count <= Self.longest else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), let bytes = Base64URL.decode(String(parts[0])),
            let object = try? JSONParser().parse(bytes).object
        else { return nil }
        for member in object {
            switch member.value {
            case .string: break
            case .array(let elements) where elements.allSatisfy({ $0.string != nil }): break
            default: return nil
            }
        }
        guard object["crit"] == nil, let algorithm = object["alg"]?.string else { return nil }
        self.algorithm = algorithm
        key = object["kid"]?.string
    }
}
