/// How people and services prove who they are.
public struct AccountConfiguration: Sendable {
    /// Who needs credentials.
    public enum Demand: String, Sendable, CaseIterable {
        /// On a server that listens on loopback, requests without credentials act as an admin: who reaches it is on this machine.
        case loopback
        /// Everybody.
        case required
    }

    public var demand: Demand
    /// What signs access tokens; nil: one that lasts as long as the process, so that access tokens end with it.
    public var secret: TokenSecret?
    /// Whether anybody may make an account; invitations are taken either way.
    public var registrationIsOpen: Bool
    /// Whether the owner of a project may take a namespace, or register a thing, that is nobody's and that nothing has used yet; else an
    /// admin gives them.
    public var ownersTakeNamespaces = true
    /// An outside identity provider whose tokens are taken, too.
    public var provider: IdentityProvider?
    /// What a new password hash costs.
    public var passwordCost: PasswordCost

    /// How long an access token lasts, in seconds.
    public var accessLifetime: Int64 = 15 * 60
    /// How long a session lasts after its refresh token was used last, in seconds.
    public var refreshLifetime: Int64 = 30 * 86_400

    public init(
        demand: Demand = .loopback, secret: TokenSecret? = nil, registrationIsOpen: Bool = true,
        provider: IdentityProvider? = nil, passwordCost: PasswordCost = .standard
    ) {
        self.demand = demand
        self.secret = secret
        self.registrationIsOpen = registrationIsOpen
        self.provider = provider
        self.passwordCost = passwordCost
    }
}
