/// Keeps what was loaded for a short time; several that ask at once share one load. What failed is not kept.
actor BriefCache<Key: Hashable & Sendable, Value: Sendable> {
    private struct Entry {
        var load: Task<Value, any Error>
        var until: ContinuousClock.Instant
        /// Nil: still loading.
        var value: Value?
    }

    private static var most: Int { 10_000 }

    private let lifetime: Duration
    private var entries: [Key: Entry] = [:]

    init(lifetime: Duration) { self.lifetime = lifetime }

    /// At most `lifetime` old, counted from before it was loaded.
    func value(_ key: Key, _ load: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let now = ContinuousClock.now
        if let entry = entries[key], entry.until > now { return try await entry.load.value }
        if entries.count >= Self.most { forgetSome(now) }
        let entry = Entry(load: Task { try await load() }, until: now + lifetime)
        entries[key] = entry
        do {
            let value = try await entry.load.value
            if entries[key]?.load == entry.load { entries[key]?.value = value }
            return value
        } catch {
            if let present = entries[key], present.load == entry.load { entries[key] = nil }
            throw error
        }
    }

    /// Everything is loaded anew from now on.
    func clear() { entries = [:] }

    /// Those are loaded anew that `isStale`, and those that are being loaded just now.
    func remove(_ isStale: @Sendable (Value) -> Bool) {
        entries = entries.filter { entry in entry.value.value.map { !isStale($0) } ?? false }
    }

    private func forgetSome(_ now: ContinuousClock.Instant) {
        entries = entries.filter { $0.value.until > now }
        if entries.count >= Self.most { entries = [:] }
    }
}
