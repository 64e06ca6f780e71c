import EgizCore
import HTTPTypes
import Synchronization
import Testing

@testable import EgizHTTP

@Suite struct PasswordTests {
    @Test func aPasswordFitsItsHashAndNoOtherDoes() throws {
        let hash = try PasswordHash(of: "correct horse battery", cost: .light)
        let stored = try #require(PasswordHash(parsing: hash.text))
        #expect(hash.text.hasPrefix("$scrypt$ln=10,r=8,p=1$"))
        #expect(stored.cost == .light)
        #expect(try stored.matches("correct horse battery"))
        #expect(try !stored.matches("correct horse batterz"))
        #expect(try !stored.matches(""))
        #expect(try PasswordHash(of: "correct horse battery", cost: .light).text != hash.text, "each has its own salt")
    }

    /// RFC 7914, section 12: the first half of the second vector; a shorter key is the beginning of a longer one.
    @Test func theKeyIsScryptsOfTheStandard() throws {
        let cost = try #require(PasswordCost(logN: 10, blockSize: 8, parallelism: 16))
        let key = try PasswordHash.derive("password", Array("NaCl".utf8), cost)
        #expect(
            key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
    }

    @Test func aTextThatIsComposedInAnotherWayIsTheSamePassword() throws {
        let hash = try PasswordHash(of: "Gr\u{FC}\u{DF}e aus Ulm", cost: .light)
        #expect(try hash.matches("Gru\u{308}\u{DF}e aus Ulm"))
    }

    @Test(arguments: [
        "", "$scrypt$", "$scrypt$ln=10,r=8,p=1$$", "$argon2$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=18,r=16,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=-1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func whatIsNoHashOfOursIsNotRead(text: String) { #expect(PasswordHash(parsing: text) == nil) }

    @Test(arguments: [
        ("short", false), ("aaaaaaaaaaaaaaaa", false), ("maria@example.com", false), ("maria12", false),
        ("maria12345", false), ("correct horse battery", true), ("Zw\u{F6}lf Boxk\u{E4}mpfer", true),
    ])
    func longPasswordsThatAreNotTheAddressAreTaken(password: String, isTaken: Bool) {
        #expect((PasswordRules.fault(of: password, email: "maria@example.com") == nil) == isTaken, "\(password)")
    }

    @Test func aMadePasswordIsTakenAndIsAnotherEachTime() {
        let made = Set((0..<50).map { _ in PasswordRules.random() })
        #expect(made.count == 50)
        #expect(made.allSatisfy { $0.utf8.count == 20 && PasswordRules.fault(of: $0, email: "a@b") == nil })
    }

    @Test(
        arguments: [
            ("maria@example.com", "maria@example.com"), (" Maria@Example.COM ", "maria@example.com"), ("a@b", "a@b"),
            ("@b", nil), ("a@", nil), ("ab", nil), ("a@b@c", nil), ("a b@c", nil), ("a\n@b", nil), ("<a@b>", nil),
        ] as [(String, String?)])
    func addressesAreComparedInOneForm(text: String, address: String?) {
        #expect(EmailAddress.normalized(text) == address)
    }

    /// Runs under way now, and the most there were.
    private final class Running: Sendable {
        let counts = Mutex((now: 0, most: 0))
    }

    /// Work that ends when the test says so: what waits is counted, and what would wait too long is refused.
    @Test func onlySoManyPasswordsWait() async throws {
        let hasher = PasswordHasher(workers: 1)
        let running = Running()
        let gate = Gate()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<(PasswordHasher.mostWaiting + 20) {
                group.addTask {
                    do {
                        try await hasher.run(for: "192.0.2.\(number)") {
                            running.counts.withLock {
                                $0.now += 1
                                $0.most = max($0.most, $0.now)
                            }
                            gate.wait()
                            running.counts.withLock { $0.now -= 1 }
                        }
                        return true
                    } catch let problem as Problem {
                        #expect(problem.code == "busy" && problem.status == .serviceUnavailable)
                        return false
                    }
                }
            }
            var (done, refused) = (0, 0)
            for try await isDone in group {
                if isDone { done += 1 } else { refused += 1 }
                // All that do not fit are refused while the first one still runs.
                if refused == 20 { gate.open() }
            }
            #expect(done == PasswordHasher.mostWaiting && refused == 20)
            #expect(running.counts.withLock { $0.most } == 1, "one worker, one at a time")
        }
        #expect(try await hasher.run(for: nil) { 7 } == 7, "and it goes on")
    }

    /// Somebody who sends all he can leaves room for others.
    @Test func onlySoManyPasswordsOfOneNetworkWait() async throws {
        let hasher = PasswordHasher(workers: 1)
        let gate = Gate()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<(PasswordHasher.mostOfOne + 5) {
                group.addTask {
                    do {
                        try await hasher.run(for: "2001:db8::\(number)") { gate.wait() }
                        return true
                    } catch is Problem {
                        return false
                    }
                }
            }
            var refused = 0
            for try await isDone in group where !isDone {
                refused += 1
                if refused < 5 { continue }
                group.addTask {
                    try await hasher.run(for: "192.0.2.1") {}
                    return true
                }
                gate.open()
            }
            #expect(refused == 5)
        }
    }

    /// Who measures how long the answer takes does not learn that there is no account, or that a machine made its password.
    @Test func whatIsQuicklyCheckedTakesAsLongAsTheRest() throws {
        #expect(PasswordHash.needsMore(than: nil, toCost: .standard))
        #expect(PasswordHash.needsMore(than: .light, toCost: .standard))
        #expect(!PasswordHash.needsMore(than: .standard, toCost: .standard))
        #expect(!PasswordHash.needsMore(than: .standard, toCost: .light))
    }
}
