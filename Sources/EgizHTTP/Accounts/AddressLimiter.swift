import NIOCore
import Synchronization

/// How often one address may fail to sign in: a bucket of attempts that fills again with time. What succeeds costs a tenth: many
/// people behind one address do not stand in each other's way, and nobody fills the tables with sessions.
final class AddressLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    static let mostAddresses = 20_000

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    init(burst: Int = 30, perSecond: Double = 0.5) {
        self.burst = Double(burst)
        self.perSecond = perSecond
    }

    /// Takes `cost` attempts; the seconds to wait where there are not so many.
    func take(_ address: String?, cost: Int = 1, now: ContinuousClock.Instant = .now) -> Int? {
        let key = Self.network(of: address)
        return buckets.withLock { buckets in
            if buckets.count >= Self.mostAddresses, buckets[key] == nil { forgetSome(&buckets, now) }
            var bucket = filled(buckets[key] ?? Bucket(tokens: burst, at: now), now)
            defer { buckets[key] = bucket }
            guard bucket.tokens >= Double(cost) else {
                return max(1, Int(((Double(cost) - bucket.tokens) / perSecond).rounded(.up)))
            }
            bucket.tokens -= Double(cost)
            return nil
        }
    }

    /// What an attempt that turned out to be right gets back.
    static let back = 0.9

    /// Gives most of an attempt back that turned out to be right.
    func giveBack(_ address: String?) {
        let key = Self.network(of: address)
        buckets.withLock { buckets in
            guard let bucket = buckets[key] else { return }
            buckets[key]?.tokens = min(burst, bucket.tokens + Self.back)
        }
    }

    private func filled(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Bucket {
        let passed = now - bucket.at
        let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
        return Bucket(tokens: min(burst, bucket.tokens + max(0, seconds) * perSecond), at: now)
    }

    /// Full buckets say nothing; where none is full, all are forgotten rather than the memory filled.
    private func forgetSome(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
        buckets = buckets.filter { filled($0.value, now).tokens < burst }
        if buckets.count >= Self.mostAddresses { buckets = [:] }
    }

    /// One IPv4 address, or the 64 bits of IPv6 that one customer gets.
    static func network(of address: String?) -> String {
        guard let address else { return "" }
        guard let socket = try? SocketAddress(ipAddress: address, port: 0), case .v6(let v6) = socket else {
            return address
        }
        // Behind family, port and flow: the address. Which module defines the struct differs from build to build, its layout does not.
        return withUnsafeBytes(of: v6.address) { Base64URL.encode(Array($0[8..<16])) }
    }
}
