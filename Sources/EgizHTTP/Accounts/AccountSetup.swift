public import EgizCore
public import EgizPostgres

/// Accounts from the command line and from the environment, without the API. Blocks: hashes passwords on the caller's thread.
public struct AccountSetup {
    /// An account that was made, or given another password.
    public struct Made: Sendable, Equatable {
        public var id: UUIDText
        public var email: String
        /// The password where none was given: to be shown once, and kept nowhere.
        public var password: String?
    }

    private let connection: PostgresConnection
    /// As the audit log names who does it, such as `operator:maria@host`.
    private let actor: String
    private let cost: PasswordCost

    public init(_ connection: PostgresConnection, actor: String, cost: PasswordCost = .standard) {
        self.connection = connection
        self.actor = actor
        self.cost = cost
    }

    /// Makes an account; `password` nil: a random one is made.
    ///
    /// Errors: `.config`/`.never` for an address or a password that is not taken, and where there is such an account.
    public func create(email: String, name: String, password: String?, isAdmin: Bool) throws(EngineError) -> Made {
        let email = try Self.checked(email)
        if let made = try make(email, name, password, isAdmin) { return made }
        throw EngineError(
            .config, .never,
            "there is an account \(email) already; `egiz user password \(email)` gives it another password")
    }

    /// Nil where there is such an account.
    private func make(
        _ email: String, _ name: String, _ password: String?, _ isAdmin: Bool
    ) throws(EngineError) -> Made? {
        let (hash, random) = try self.hash(password, email: email)
        let account = try connection.transaction { connection throws(EngineError) -> StoredAccount? in
            let account = try AccountQueries(connection).create(
                email: email, name: name, passwordHash: hash, isAdmin: isAdmin)
            if let account { try audit("user.create", account) }
            return account
        }
        return account.map { Made(id: $0.id, email: email, password: random) }
    }

    /// Makes an admin, where there is no account of this address; nil where there is.
    public func ensureAdmin(email: String, password: String?) throws(EngineError) -> Made? {
        let address = try Self.checked(email)
        if try AccountQueries(connection).credentials(email: address) != nil { return nil }
        // Another process that starts at the same time may be first.
        return try make(address, "Admin", password, true)
    }

    /// Whether anybody can administer the system.
    public func hasAdmin() throws(EngineError) -> Bool {
        try connection.query("select 1 from egiz.account where is_admin and disabled_at is null limit 1").first != nil
    }

    /// Whether the account of this address can administer the system; false where there is none.
    public func hasAdmin(email: String) throws(EngineError) -> Bool {
        let account = try AccountQueries(connection).credentials(email: try Self.checked(email))?.account
        return account?.isAdmin == true && account?.disabledAt == nil
    }

    /// Gives an account another password and ends its sessions; `password` nil: a random one is made.
    public func setPassword(email: String, password: String?) throws(EngineError) -> Made {
        let email = try Self.checked(email)
        let (hash, made) = try self.hash(password, email: email)
        let account = try change(email, "user.password") { account throws(EngineError) in
            try AccountQueries(connection).setPassword(account.id, hash: hash)
            _ = try SessionQueries(connection).revokeAll(of: account.id, why: "another password")
            try forget(account)
        }
        return Made(id: account.id, email: email, password: made)
    }

    /// Disables an account and ends its sessions, or lets it sign in again.
    public func setDisabled(email: String, _ isDisabled: Bool) throws(EngineError) {
        _ = try change(try Self.checked(email), isDisabled ? "user.disable" : "user.enable") {
            account throws(EngineError) in
            _ = try AccountQueries(connection).change(account.id, .init(isDisabled: isDisabled))
            guard isDisabled else { return }
            _ = try SessionQueries(connection).revokeAll(of: account.id, why: "the user was disabled")
        }
    }

    /// Forgets failed logins, so that the account may sign in at once.
    public func unlock(email: String) throws(EngineError) {
        let email = try Self.checked(email)
        _ = try change(email, "user.unlock") { account throws(EngineError) in try forget(account) }
    }

    private func forget(_ account: StoredAccount) throws(EngineError) {
        let failures = LoginFailures(connection)
        if let email = account.email { try failures.forget(AuthRoutes.subject(email)) }
        try failures.forget(AuthRoutes.subject(account.id))
    }

    // MARK: Inner workings

    private func change(
        _ email: String, _ action: String, _ body: (StoredAccount) throws(EngineError) -> Void
    ) throws(EngineError) -> StoredAccount {
        try connection.transaction { connection throws(EngineError) -> StoredAccount in
            guard let account = try AccountQueries(connection).credentials(email: email)?.account else {
                throw EngineError(
                    .config, .never, "there is no account \(email); `egiz user list` shows those that exist")
            }
            try body(account)
            try audit(action, account)
            return account
        }
    }

    private func audit(_ action: String, _ account: StoredAccount) throws(EngineError) {
        let after = AccountText.json { AccountText.write(account, into: &$0) }
        try AuditWriter.append(
            connection,
            AuditEntry(
                actor: actor, actorName: "", action: action, object: "user:\(account.id.text)",
                after: action == "user.create" ? after : nil))
    }

    /// The hash, and the password where it was made here.
    private func hash(_ password: String?, email: String) throws(EngineError) -> (hash: String, made: String?) {
        if let password, let fault = PasswordRules.fault(of: password, email: email) {
            throw EngineError(.config, .never, fault.prefix(1).lowercased() + fault.dropFirst().dropLast())
        }
        let made = password == nil ? PasswordRules.random() : nil
        do {
            // A random one has more bits than anybody tries; stretching it would only cost time at the start.
            return (try PasswordHash(of: password ?? made ?? "", cost: made == nil ? cost : .light).text, made)
        } catch {
            throw EngineError(.bug, .stop, "a password cannot be hashed", detail: "\(error)")
        }
    }

    private static func checked(_ email: String) throws(EngineError) -> String {
        guard let address = EmailAddress.normalized(email) else {
            throw EngineError(.config, .never, "\(email) is no e-mail address")
        }
        return address
    }
}
