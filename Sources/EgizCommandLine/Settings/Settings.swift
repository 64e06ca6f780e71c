import Configuration
import EgizCore
import EgizPostgres
import EgizRuntime
import Foundation
import Logging

/// What the environment and the configuration file say; the environment wins. Defaults stand here and nowhere else.
struct Settings: Sendable {
    /// Kafka's bootstrap servers; nil: the embedded broker (`egiz up`) or an error (`egiz worker`).
    var brokers: String?
    /// librdkafka properties for all clients.
    var kafkaProperties: [String: String]
    var sessionTimeout: Duration
    /// A libpq connection URL; nil: a private Postgres (`egiz up`) or an error.
    var databaseURL: String?
    var host: String
    var port: Int
    /// Where `egiz worker` serves its health; nil: nowhere.
    var health: (host: String, port: Int)?
    var dataDirectory: URL
    var logLevel: Logger.Level
    var shutdownGrace: Duration
    /// When history is compacted.
    var compaction = HistoryCompactor.Configuration()
    var accounts: AccountSettings
    var audit: AuditSettings
    var http: HTTPSettings

    /// Reads `EGIZ_*` over the YAML file named by `--config` or `EGIZ_CONFIG` (or `egiz.yaml`, where it exists).
    static func load(config path: String?, environment: [String: String] = ProcessInfo.processInfo.environment)
        async throws -> Settings
    {
        var own: [String: String] = [:]
        for (name, value) in environment where name.hasPrefix("EGIZ_") && !value.isEmpty {
            own[String(name.dropFirst(5))] = value
        }
        warnOfUnknown(own.keys)
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider(environmentVariables: own)]
        let file = path ?? own["CONFIG"] ?? (FileManager.default.fileExists(atPath: "egiz.yaml") ? "egiz.yaml" : nil)
        if let file {
            try SettingsFile.check(file)
            let location = InMemoryProvider(values: ["filePath": ConfigValue(.string(file), isSecret: false)])
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(config: ConfigReader(provider: location)))
            } catch {
                throw EngineError(.config, .stop, "\(file): cannot be read as YAML: \(error)")
            }
        }
        return try Settings(ConfigReader(providers: providers))
    }

    /// A misspelt variable must not silently mean its default.
    private static func warnOfUnknown(_ names: some Sequence<String>) {
        // The last two belong to the tests of this package.
        let known =
            [
                "CONFIG", "KAFKA_BROKERS", "KAFKA_PROPERTIES", "KAFKA_SESSION_TIMEOUT", "DATABASE_URL",
                "DATABASE_URL_FILE", "HTTP_ADDRESS", "HEALTH_ADDRESS", "DATA_DIR", "LOG_LEVEL", "SHUTDOWN_GRACE",
                "HISTORY_GRACE", "LONG",
                "REGENERATE",
            ] + AccountSettings.variables + AuditSettings.variables + HTTPSettings.variables
        for name in names.sorted() where !known.contains(name) {
            let near = NearestWord.find(name, among: known).map { "; did you mean EGIZ_\($0)?" } ?? ""
            let line = "warning: the environment variable EGIZ_\(name) is not known and has no effect\(near)\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
    }

    private init(_ reader: ConfigReader) throws(EngineError) {
        brokers = reader.string(forKey: "kafka.brokers")
        kafkaProperties = try Self.properties(reader.stringArray(forKey: "kafka.properties") ?? [])
        sessionTimeout = try Self.duration(reader, "kafka.sessionTimeout", default: .seconds(10))
        databaseURL = try Self.secret(reader, "database.url")
        (host, port) = try Self.address(
            reader.string(forKey: "http.address") ?? "127.0.0.1:8080", of: "http.address (EGIZ_HTTP_ADDRESS)")
        // The variable has no `worker` in its name: a process serves its health in one place.
        let health = reader.string(forKey: "health.address") ?? reader.string(forKey: "worker.healthAddress")
        self.health = try health.map { text throws(EngineError) in
            try Self.address(text, of: "worker.healthAddress (EGIZ_HEALTH_ADDRESS)")
        }
        dataDirectory = URL(fileURLWithPath: reader.string(forKey: "dataDir") ?? ".egiz", isDirectory: true)
        let level = reader.string(forKey: "logLevel") ?? "info"
        guard let parsed = Logger.Level(rawValue: level.lowercased()) else {
            throw EngineError(
                .config, .stop,
                "logLevel (EGIZ_LOG_LEVEL): found \"\(level)\", expected one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        logLevel = parsed
        shutdownGrace = try Self.duration(reader, "shutdown.grace", default: .seconds(4))
        accounts = try AccountSettings(reader)
        audit = try AuditSettings(reader)
        http = try HTTPSettings(reader)
        compaction.grace = try Self.duration(reader, "history.grace", default: compaction.grace)
    }

    /// The value itself, or the content of the file that `<key>File` names (`EGIZ_DATABASE_URL_FILE`).
    static func secret(_ reader: ConfigReader, _ key: ConfigKey) throws(EngineError) -> String? {
        if let value = reader.string(forKey: key, isSecret: true) { return value }
        let fileKey = ConfigKey(key.components.dropLast() + [(key.components.last ?? "") + "File"])
        guard let path = reader.string(forKey: fileKey) else { return nil }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw EngineError(.config, .stop, "\(fileKey): the file \(path) cannot be read")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func address(_ text: String, of setting: String) throws(EngineError) -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon != text.startIndex
        else {
            throw EngineError(
                .config, .stop,
                "\(setting): found \"\(text)\", expected host:port such as 127.0.0.1:8080")
        }
        return (text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port)
    }

    private static func properties(_ list: [String]) throws(EngineError) -> [String: String] {
        var properties: [String: String] = [:]
        for entry in list {
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else {
                throw EngineError(
                    .config, .stop,
                    "kafka.properties (EGIZ_KAFKA_PROPERTIES): found \"\(entry.prefix(20))…\", expected name=value with a librdkafka property"
                )
            }
            let name = entry[..<equals].trimmingCharacters(in: .whitespaces)
            properties[name] = entry[entry.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        }
        return properties
    }

    private static func duration(_ reader: ConfigReader, _ key: ConfigKey, default: Duration) throws(EngineError)
        -> Duration
    {
        guard let text = reader.string(forKey: key) else { return `default` }
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            if let number = Double(text.dropLast(unit.count)), number > 0, number <= 86_400 {
                return .milliseconds(Int64(number * seconds * 1000))
            }
        }
        let variable =
            switch key.description {
            case "shutdown.grace": "EGIZ_SHUTDOWN_GRACE"
            case "history.grace": "EGIZ_HISTORY_GRACE"
            default: "EGIZ_KAFKA_SESSION_TIMEOUT"
            }
        throw EngineError(
            .config, .stop, "\(key) (\(variable)): found \"\(text)\", expected a duration such as 10s or 500ms")
    }
}
