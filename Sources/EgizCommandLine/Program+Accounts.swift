import EgizCore
import EgizHTTP
import EgizPostgres
import Logging

extension Program {
    /// Makes the first admin: the one that the settings name, else `address` with a random password, where nobody is an admin yet.
    ///
    /// - Returns: the one that was made; its password, where it was made here, is for the terminal, never for a log.
    @discardableResult
    static func ensureAdmin(
        _ settings: Settings, orElse address: String? = nil, database: String, logger: Logger
    ) throws(EngineError) -> AccountSetup.Made? {
        guard settings.accounts.admin != nil || address != nil else { return nil }
        let connection = try PostgresConnection(url: database, applicationName: "egiz-setup")
        defer { connection.close() }
        let setup = AccountSetup(connection, actor: "egiz")
        var made: AccountSetup.Made?
        if let admin = settings.accounts.admin {
            made = try setup.ensureAdmin(email: admin.email, password: admin.password)
        } else if let address, try !setup.hasAdmin() {
            made = try setup.ensureAdmin(email: address, password: nil)
        }
        if let made {
            logger.notice("an admin was made", metadata: ["egiz.user": "\(made.id.text)"])
        } else if let email = settings.accounts.admin?.email ?? address, try !setup.hasAdmin(email: email) {
            // Without a name in the settings nobody is missing where anybody is an admin.
            let isMissing = try settings.accounts.admin == nil ? !setup.hasAdmin() : true
            if isMissing {
                logger.warning(
                    "the first admin's address is taken by an account that is no admin or is disabled; make one with another address: egiz user create --admin",
                    metadata: ["egiz.address": "\(email)"])
            }
        }
        return made
    }
}

extension Settings {
    /// The API as the settings want it.
    ///
    /// - Parameter secret: what signs tokens where the settings name nothing.
    func api(secret: TokenSecret? = nil) -> APIConfiguration {
        var configuration = APIConfiguration(host: host, port: port)
        configuration.accounts = accounts.configuration(secret: secret)
        configuration.trustedProxies = accounts.trustedProxies
        configuration.cors = http.cors
        configuration.maximumConnections = FileLimit.connections(atMost: http.connections ?? 20_000)
        return configuration
    }
}
