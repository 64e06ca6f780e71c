import Configuration
import EgizCore
import EgizHTTP
import Foundation

/// What the settings say of accounts: who needs credentials, what signs tokens, who may register, and the first admin.
struct AccountSettings: Sendable {
    var demand = AccountConfiguration.Demand.loopback
    /// Nil: none is set.
    var secret: TokenSecret?
    var registrationIsOpen = true
    var ownersTakeNamespaces = true
    var issuer: String?
    var audience: String?
    var keySetFile: String?
    var keySetURL: String?
    /// Made at the start, where there is no such account.
    var admin: (email: String, password: String)?
    var trustedProxies: Set<String> = []

    static let keys = [
        "auth", "registration", "namespaces", "jwt.secret", "jwt.secretFile", "jwt.issuer", "jwt.audience",
        "jwt.jwksFile",
        "jwt.jwksUrl",
        "admin.email", "admin.password", "admin.passwordFile", "http.trustedProxies",
    ]
    static let variables = [
        "AUTH", "REGISTRATION", "NAMESPACES", "JWT_SECRET", "JWT_SECRET_FILE", "JWT_ISSUER", "JWT_AUDIENCE",
        "JWT_JWKS_FILE",
        "JWT_JWKS_URL", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE", "HTTP_TRUSTED_PROXIES",
    ]

    init(_ reader: ConfigReader) throws(EngineError) {
        if let word = reader.string(forKey: "auth") {
            guard let demand = AccountConfiguration.Demand(rawValue: word) else {
                throw Self.refusal("auth (EGIZ_AUTH)", word, "loopback or required")
            }
            self.demand = demand
        }
        if let word = reader.string(forKey: "registration") {
            guard ["on", "off"].contains(word) else {
                throw Self.refusal("registration (EGIZ_REGISTRATION)", word, "on or off")
            }
            registrationIsOpen = word == "on"
        }
        if let word = reader.string(forKey: "namespaces") {
            guard ["owners", "admin"].contains(word) else {
                throw Self.refusal("namespaces (EGIZ_NAMESPACES)", word, "owners or admin")
            }
            ownersTakeNamespaces = word == "owners"
        }
        secret = try Settings.secret(reader, "jwt.secret").map { text throws(EngineError) in try TokenSecret(text) }
        issuer = reader.string(forKey: "jwt.issuer")
        audience = reader.string(forKey: "jwt.audience")
        keySetFile = reader.string(forKey: "jwt.jwksFile")
        keySetURL = reader.string(forKey: "jwt.jwksUrl")
        let keySets = [keySetFile, keySetURL].compactMap(\.self)
        guard keySets.count <= 1, (issuer == nil) == (audience == nil), (issuer == nil) == keySets.isEmpty else {
            throw EngineError(
                .config, .stop,
                "an outside identity provider needs EGIZ_JWT_ISSUER, EGIZ_JWT_AUDIENCE, and either EGIZ_JWT_JWKS_URL or EGIZ_JWT_JWKS_FILE"
            )
        }
        if let keySetURL, !Self.isSafe(keySetURL) {
            throw Self.refusal(
                "jwt.jwksUrl (EGIZ_JWT_JWKS_URL)", keySetURL,
                "an https URL: who changes the keys on their way signs in as anybody")
        }
        let email = reader.string(forKey: "admin.email")
        let password = try Settings.secret(reader, "admin.password")
        guard (email == nil) == (password == nil) else {
            throw EngineError(
                .config, .stop,
                "the first admin needs EGIZ_ADMIN_EMAIL and EGIZ_ADMIN_PASSWORD or EGIZ_ADMIN_PASSWORD_FILE; or make one with `egiz user create --admin`"
            )
        }
        if let email, let password { admin = (email, password) }
        let proxies = reader.string(forKey: "http.trustedProxies") ?? ""
        for proxy in proxies.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) where !proxy.isEmpty
        {
            guard let address = APIConfiguration.address(proxy) else {
                throw Self.refusal(
                    "EGIZ_HTTP_TRUSTED_PROXIES", proxy, "addresses with commas between them, no names and no networks")
            }
            trustedProxies.insert(address)
        }
    }

    private static func refusal(_ setting: String, _ found: String, _ expected: String) -> EngineError {
        EngineError(.config, .stop, "\(setting): found \"\(found)\", expected \(expected)")
    }

    private static func isSafe(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url), let host = parts.host else { return false }
        return parts.scheme == "https"
            || parts.scheme == "http"
                && (host == "localhost" || host == "127.0.0.1" || host == "::1" || host == "[::1]")
    }

    /// - Parameter secret: what signs tokens where the settings name nothing.
    func configuration(secret kept: TokenSecret? = nil) -> AccountConfiguration {
        var configuration = AccountConfiguration(
            demand: demand, secret: secret ?? kept, registrationIsOpen: registrationIsOpen, provider: provider)
        configuration.ownersTakeNamespaces = ownersTakeNamespaces
        return configuration
    }

    private var provider: IdentityProvider? {
        guard let issuer, let audience else { return nil }
        return IdentityProvider(issuer: issuer, audience: audience) { [keySetFile, keySetURL] in
            if let keySetFile { return try String(contentsOfFile: keySetFile, encoding: .utf8) }
            return try await KeySetDownload.text(of: keySetURL ?? "")
        }
    }
}
