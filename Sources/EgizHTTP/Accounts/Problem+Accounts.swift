import HTTPTypes

extension Problem {
    static let busy = Problem(
        code: "busy", status: .serviceUnavailable, title: "Too many sign in at once",
        detail: "The server checks as many passwords as it can at a time. Try again in a few seconds.",
        headers: [.retryAfter: "3"])

    static func tooManyAttempts(seconds: Int) -> Problem {
        Problem(
            code: "too-many-attempts", status: .tooManyRequests, title: "Too many attempts",
            detail: "There were too many failed attempts from your address. Try again in \(seconds) s.",
            headers: [.retryAfter: "\(seconds)"])
    }

    static func locked(seconds: Int64) -> Problem {
        Problem(
            code: "locked", status: .tooManyRequests, title: "The account is locked for a while",
            detail: "There were too many failed logins for this e-mail address. Try again in \(seconds) s.",
            headers: [.retryAfter: "\(seconds)"])
    }

    /// The same for an unknown address, a wrong password and a disabled account.
    static let invalidCredentials = Problem(
        code: "invalid-credentials", status: .unauthorized, title: "E-mail address or password are not right",
        detail: "There is no account with this e-mail address and password that may sign in.",
        headers: [.wwwAuthenticate: #"Bearer realm="egiz""#])

    static let registrationIsOff = Problem(
        code: "registration-off", status: .forbidden, title: "Registration is switched off",
        detail: "Ask an admin for an account, or the owner of a project for an invitation.")

    static let emailIsTaken = Problem(
        code: "email-taken", status: .conflict, title: "The e-mail address is taken",
        detail: "There is an account with this e-mail address. Sign in with POST /api/v1/auth/login.")

    static let noSuchInvitation = Problem(
        code: "invitation-not-found", status: .notFound, title: "No such invitation",
        detail: """
            There is no open invitation with this token for this e-mail address: it was accepted or withdrawn, has expired, or is \
            for another address.
            """)

    static let noPassword = Problem(
        code: "no-password", status: .conflict, title: "The account has no password here",
        detail: "It belongs to somebody who signs in with an outside identity provider; the password is changed there.")

    static let noSession = Problem(
        code: "no-session", status: .conflict, title: "There is no session here to end",
        detail: "The token is an outside identity provider's: sign out there. It goes on here until it expires.")

    static let wrongPassword = Problem(
        code: "wrong-password", status: .forbidden, title: "The present password is not right",
        detail: "currentPassword is not the password of this account.")

    static func noSuchUser(_ id: String) -> Problem {
        Problem(code: "user-not-found", status: .notFound, title: "No such user", detail: "There is no user \(id).")
    }

    static let lastAdmin = Problem(
        code: "last-admin", status: .conflict, title: "The last admin stays",
        detail: "Make somebody else an admin first: nobody could manage users any more.")

    static let lastOwner = Problem(
        code: "last-owner", status: .conflict, title: "The last owner stays",
        detail: "Make another member an owner first: nobody could manage the project any more.")

    static func noSuchKey(_ id: String) -> Problem {
        Problem(
            code: "api-key-not-found", status: .notFound, title: "No such API key",
            detail: "You have no API key \(id) that is not revoked.")
    }

    static let tooManyKeys = Problem(
        code: "too-many-keys", status: .conflict, title: "Too many API keys",
        detail: "You have \(APIKeyRoutes.most) keys that work; revoke one that is no longer used.")

    static func noSuchMember(_ id: String) -> Problem {
        Problem(
            code: "member-not-found", status: .notFound, title: "No such member",
            detail: "The project has no member \(id).")
    }

    static func namespaceIsTaken(_ namespace: String) -> Problem {
        Problem(
            code: "namespace-taken", status: .conflict, title: "The namespace is taken",
            detail: "The namespace \(namespace) belongs to a project already.")
    }

    static let tooManyProjects = Problem(
        code: "too-many-projects", status: .conflict, title: "Too many projects",
        detail: "You own \(ProjectRoutes.mostOwned) projects; delete one that is not needed, or ask an admin.")

    static let tooManyNamespaces = Problem(
        code: "too-many-namespaces", status: .conflict, title: "Too many namespaces",
        detail: "The project has \(BelongingRoutes.mostNamespaces) namespaces; an admin can give it more.")

    static let namespacesAreAdmins = Problem(
        code: "admin-only", status: .forbidden, title: "An admin gives namespaces",
        detail: "On this server (EGIZ_NAMESPACES=admin) an admin says what belongs to a project and was nobody's.")

    static func noSuchNamespace(_ namespace: String) -> Problem {
        Problem(
            code: "namespace-not-found", status: .notFound, title: "No such namespace",
            detail: "The project does not have the namespace \(namespace).")
    }

    static func notRegistered(_ thing: String) -> Problem {
        Problem(
            code: "thing-not-registered", status: .notFound, title: "The thing is not registered",
            detail: "The thing \(thing) is not registered with the project; those of its namespaces need not be.")
    }

    /// Types of nobody are for everybody to read, so a project does not leave its own behind.
    static func typesStay(_ type: String) -> Problem {
        .inUse(
            "The type \(type) is declared in the namespace; delete its types first, or they would be everybody's to read."
        )
    }

    /// There are twins already, and they are nobody's: giving them to a project is giving away what others sent.
    static let thingsExist = Problem(
        code: "things-exist", status: .forbidden, title: "There are such things already",
        detail:
            "Twins or types of this name exist, or have been here, and belong to nobody; an admin can give them to a project."
    )

    static let thingIsTaken = Problem(
        code: "thing-taken", status: .conflict, title: "The thing belongs to another project",
        detail: "An owner of both projects, or an admin, can register it here.")
}
