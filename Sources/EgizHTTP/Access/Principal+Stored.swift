import EgizPostgres

extension Principal {
    /// A person who signed in, or an API key within its scope and never beyond its owner.
    init(_ stored: StoredPrincipal, session: UUIDText? = nil) {
        let person = stored.email ?? stored.name
        guard let key = stored.key else {
            self.init(
                kind: .user, id: stored.userID.text, name: person, userID: stored.userID, isAdmin: stored.isAdmin,
                roles: stored.roles)
            self.session = session
            return
        }
        self.init(
            kind: .apiKey, id: key.id.text, name: "\(key.name) of \(person)", userID: stored.userID,
            isAdmin: stored.isAdmin && key.isAdmin)
        var owned = stored.roles
        // An admin may do everything in every project, so a key of an admin may be for any.
        if stored.isAdmin { for project in key.projects ?? [] { owned[project] = .owner } }
        roles = owned.filter { key.projects?.contains($0.key) ?? true }.mapValues { min($0, key.role) }
    }
}
