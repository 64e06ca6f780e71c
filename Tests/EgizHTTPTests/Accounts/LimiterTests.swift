import HTTPTypes
import Testing

@testable import EgizHTTP

@Suite struct LimiterTests {
    @Test func attemptsRunOutAndComeBackWithTime() throws {
        let limiter = AddressLimiter(burst: 3, perSecond: 0.5)
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(limiter.take("192.0.2.1", now: start) == nil) }
        #expect(limiter.take("192.0.2.1", now: start) == 2)
        #expect(limiter.take("192.0.2.2", now: start) == nil, "another address has its own")
        #expect(limiter.take("192.0.2.1", now: start + .seconds(1)) == 1)
        #expect(limiter.take("192.0.2.1", now: start + .seconds(2)) == nil)
        #expect(limiter.take("192.0.2.1", cost: 3, now: start + .seconds(100)) == nil, "never more than the burst")
        #expect(limiter.take("192.0.2.1", now: start + .seconds(100)) != nil)
    }

    /// Many people behind one address do not stand in each other's way, and nobody fills the tables with right passwords.
    @Test func whatSucceedsCostsATenth() {
        let limiter = AddressLimiter(burst: 2, perSecond: 0.001)
        let now = ContinuousClock.now
        var right = 0
        while limiter.take("192.0.2.1", now: now) == nil, right < 100 {
            right += 1
            limiter.giveBack("192.0.2.1")
        }
        #expect((10...11).contains(right), "\(right)")
    }

    @Test func aNetworkOfIPv6IsOneAddress() {
        let one = AddressLimiter.network(of: "2001:db8:1:2::1")
        #expect(one == AddressLimiter.network(of: "2001:db8:1:2:ffff::9"))
        #expect(one != AddressLimiter.network(of: "2001:db8:1:3::1"))
        #expect(AddressLimiter.network(of: "192.0.2.1") == "192.0.2.1")
    }

    @Test func manyAddressesDoNotFillTheMemory() {
        let limiter = AddressLimiter(burst: 1, perSecond: 0.001)
        let now = ContinuousClock.now
        for number in 0..<(AddressLimiter.mostAddresses * 2) { _ = limiter.take("\(number)", now: now) }
        #expect(limiter.take("0", now: now) == nil, "the first ones were forgotten")
    }

    @Test(
        arguments: [
            ("192.0.2.9", [], "192.0.2.9"),
            ("192.0.2.9", ["198.51.100.7"], "192.0.2.9"),
            ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", ["203.0.113.5, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", ["198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", ["198.51.100.7, not an address"], "10.0.0.1"),
            ("10.0.0.1", [], "10.0.0.1"),
        ] as [(String, [String], String)])
    func aProxyOfOursNamesTheClientAndNobodyElseDoes(socket: String, hops: [String], client: String) {
        var headers: HTTPFields = [:]
        headers[values: .forwardedFor] = hops
        #expect(ClientAddress.of(socket, headers, trusted: ["10.0.0.1", "10.0.0.2"]) == client)
    }

    @Test(
        arguments: [
            ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc", "abc"), ("Basic abc", nil), ("Bearer", nil),
            ("Bearer a b", nil), ("", nil), ("abc", nil),
        ] as [(String, String?)])
    func aBearerTokenIsOneWord(header: String, token: String?) { #expect(AccountGate.bearer(header) == token) }

    /// A socket for both families shows IPv4 clients as IPv6: each is still one, and proxies are still known.
    @Test func addressesOfBothFamiliesOnOneSocketAreTheirOwn() {
        let forwarded: HTTPFields = [HTTPField.Name("X-Forwarded-For")!: "198.51.100.7, ::ffff:10.0.0.6"]
        let proxies: Set<String> = ["10.0.0.5", "10.0.0.6"]
        #expect(ClientAddress.of("::ffff:203.0.113.9", [:], trusted: []) == "203.0.113.9")
        #expect(ClientAddress.of("::FFFF:10.0.0.5", forwarded, trusted: proxies) == "198.51.100.7")
        #expect(ClientAddress.of("2001:db8::1", forwarded, trusted: proxies) == "2001:db8::1")
        let networks = ["::ffff:203.0.113.9", "::ffff:203.0.113.10"].map {
            AddressLimiter.network(of: ClientAddress.of($0, [:], trusted: []))
        }
        #expect(networks[0] != networks[1])
        #expect(
            ClientAddress.canonical("2001:DB8:0::1") == "2001:db8::1" && ClientAddress.canonical("10.0.0.0/8") == nil)
    }
}
