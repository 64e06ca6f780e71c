import Testing

@testable import ZonesunMachine

struct RandomTests {
    @Test func splitMixGivesThePublishedWords() {
        // Reference output of Vigna's splitmix64.c for the seed 1234567.
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    @Test func unitStaysBelowOneAndIsSpread() {
        var random = Xoshiro256(seed: 1)
        var sum = 0.0
        var bounds = (low: 1.0, high: 0.0)
        for _ in 0..<100_000 {
            let value = random.unit()
            bounds = (min(bounds.low, value), max(bounds.high, value))
            sum += value
        }
        #expect(bounds.low >= 0 && bounds.low < 0.001)
        #expect(bounds.high < 1 && bounds.high > 0.999)
        #expect(abs(sum / 100_000 - 0.5) < 0.01)
    }

    @Test func normalHasMeanZeroAndDeviationOne() {
        var random = Xoshiro256(seed: 2)
        var sum = 0.0
        var squares = 0.0
        for _ in 0..<100_000 {
            let value = random.normal()
            sum += value
            squares += value * value
        }
        #expect(abs(sum / 100_000) < 0.02)
        #expect(abs(squares / 100_000 - 1) < 0.03)
    }
}
