import EgizCore

/// A connection that opens when it is first needed and again when it was lost. Confined to one thread.
final class StoreSession {
    private let url: String
    private let applicationName: String
    private let settings: PostgresSettings
    private var opened: PostgresConnection?

    init(url: String, applicationName: String, settings: PostgresSettings = PostgresSettings()) {
        self.url = url
        self.applicationName = applicationName
        self.settings = settings
    }

    /// The connection, standing as far as can be told without asking the server; `isNew` where it was opened by this call.
    func connection() throws(EngineError) -> (connection: PostgresConnection, isNew: Bool) {
        if let opened {
            // Whatever an earlier call left open must not leak into this one.
            opened.rollback()
            return (opened, try opened.ensureConnected())
        }
        let connection = try PostgresConnection(url: url, applicationName: applicationName, settings: settings)
        opened = connection
        return (connection, true)
    }

    func close() {
        opened?.close()
        opened = nil
    }
}
