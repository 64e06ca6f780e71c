import Testing

@testable import EgizHTTP

@Suite struct IntervalTextTests {
    @Test(arguments: [
        ("250ms", 250_000), ("10s", 10_000_000), ("1m", 60_000_000), ("2h", 7_200_000_000), ("1d", 86_400_000_000),
        ("1w", 604_800_000_000), ("PT1M", 60_000_000), ("PT1H30M", 5_400_000_000), ("P1D", 86_400_000_000),
        ("P1DT12H", 129_600_000_000), ("P2W", 1_209_600_000_000), ("PT5S", 5_000_000),
    ])
    func lengthsAreRead(text: String, microseconds: Int64) {
        #expect(IntervalText.microseconds(text) == microseconds)
    }

    @Test(arguments: [
        "", "1", "s", "0s", "-1m", "1.5m", "1 m", "1M", "1y", "P1Y", "P1M", "P", "PT", "PT1", "P1DT", "PT1M1H",
        "PT1S1S", "P1H",
        "99999999999999999999s", "9223372036854775807w", "PT9223372036854775807S", "pt1m",
    ])
    func otherTextsAreNone(text: String) {
        #expect(IntervalText.microseconds(text) == nil)
    }

    @Test func hintsAreAtLeastAsLong() throws {
        for microseconds in [1, 9_999, 10_000, 61_000_000, 86_400_000_001] as [Int64] {
            let hint = try #require(IntervalText.microseconds(IntervalText.hint(atLeast: microseconds)))
            #expect(hint >= microseconds)
        }
    }
}
