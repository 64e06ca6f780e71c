import JWTKit
import Logging

/// Checks tokens of an outside identity provider against its published keys.
///
/// Keys are loaded when the first token comes, every ten minutes, and when a token names a key that is not known, then at most every
/// 30 s: a provider may change its keys at any time, and tokens that are made up must not make us ask it without end.
actor OutsideTokens {
    /// Algorithms with a public key; a secret of ours is no key of theirs.
    static let algorithms = ["RS256", "EdDSA", "ES256"]

    private static let stale = Duration.seconds(600)
    /// Keys are taken for this long without a word from the provider: it may have withdrawn one since.
    static let longest = Duration.seconds(86_400)
    private static let pause = Duration.seconds(30)

    private let provider: IdentityProvider
    private let logger: Logger
    private var collection: JWTKeyCollection?
    private var known: Set<String> = []
    private var loadedAt: ContinuousClock.Instant?
    private var triedAt: ContinuousClock.Instant?
    private var loading: Task<Void, Never>?

    private let now: @Sendable () -> ContinuousClock.Instant

    init(
        _ provider: IdentityProvider, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.provider = provider
        self.logger = logger
        self.now = now
    }

    /// What a valid token says; nil for any other text.
    func verify(_ token: String) async -> OutsideClaims? {
        guard let header = TokenHeader(of: token), Self.algorithms.contains(header.algorithm) else { return nil }
        await refresh(for: header.key)
        // A token must name its key: without, the library would try the first one, which is not what the provider meant.
        guard let loadedAt, now() - loadedAt < Self.longest else { return nil }
        guard let key = header.key, known.contains(key), let collection,
            let claims = try? await collection.verify(token, as: OutsideClaims.self), claims.iss == provider.issuer,
            claims.aud.includes(provider.audience), !claims.sub.isEmpty, claims.sub.utf8.count <= 255
        else { return nil }
        return claims
    }

    private func refresh(for key: String?) async {
        let now = self.now()
        let isFresh = loadedAt.map { now - $0 < Self.stale } ?? false
        if isFresh, key.map({ known.contains($0) }) ?? true { return }
        if let loading { return await loading.value }
        if let triedAt, now - triedAt < Self.pause { return }
        triedAt = now
        let task = Task { await load() }
        loading = task
        await task.value
        loading = nil
    }

    private func load() async {
        do {
            let text = try await provider.loadKeys()
            let (keys, names) = try await Self.keys(in: text)
            collection = keys
            known = names
            loadedAt = now()
        } catch {
            logger.warning(
                "the keys of the identity provider cannot be read; those known before go on",
                metadata: ["egiz.issuer": "\(provider.issuer)", "egiz.error": "\(error)"])
        }
    }

    /// Keys of a kind that we do not take are left out, so that one of them does not keep the others away.
    private static func keys(in text: String) async throws -> (JWTKeyCollection, Set<String>) {
        let collection = JWTKeyCollection()
        var names: Set<String> = []
        for key in try KeySetText.keys(in: text) {
            guard let name = key.keyIdentifier?.string, !names.contains(name) else { continue }
            do {
                try await collection.add(jwk: key)
                names.insert(name)
            } catch {
                continue
            }
        }
        return (collection, names)
    }
}
