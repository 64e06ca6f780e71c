import Configuration
import EgizCore
import EgizHTTP

/// What the settings say of the HTTP server beside its address.
struct HTTPSettings: Sendable {
    /// Web pages of other origins that may use the API.
    var cors = CORSPolicy.none
    /// Connections at a time; nil: as many as the system lets the process have, at most 20,000.
    var connections: Int?

    static let keys = ["http.corsOrigins", "http.connections"]
    static let variables = ["HTTP_CORS_ORIGINS", "HTTP_CONNECTIONS"]

    init(_ reader: ConfigReader) throws(EngineError) {
        if let origins = reader.string(forKey: "http.corsOrigins") { cors = try CORSPolicy(parsing: origins) }
        if let text = reader.string(forKey: "http.connections") {
            guard let number = Int(text), (1...1_000_000).contains(number) else {
                throw EngineError(
                    .config, .stop,
                    "http.connections (EGIZ_HTTP_CONNECTIONS): found \"\(text)\", expected a number from 1 to 1000000")
            }
            connections = number
        }
    }
}
