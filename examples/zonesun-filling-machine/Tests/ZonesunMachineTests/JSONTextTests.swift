import Foundation
import Testing

@testable import ZonesunMachine

struct JSONTextTests {
    private func written(_ body: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        body(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (21.504, 2, "21.5"), (0, 2, "0.0"), (-0.004, 2, "0.0"), (-0.05, 2, "-0.05"), (100, 2, "100.0"),
        (1.005, 3, "1.005"),
        (999.999, 2, "1000.0"), (1449.6, 0, "1450.0"), (0.000_001, 6, "0.000001"), (.infinity, 2, "0.0"),
        (.nan, 2, "0.0"),
    ])
    func numbersAreRoundedAndShort(value: Double, decimals: Int, text: String) {
        #expect(written { $0.number(value, decimals: decimals) } == text)
    }

    @Test func randomNumbersReadBackAsRounded() throws {
        var random = Xoshiro256(seed: 4)
        for _ in 0..<5000 {
            let value = random.uniform(-5000...5000)
            let back = try #require(Double(written { $0.number(value, decimals: 3) }))
            #expect(abs(back - value) <= 0.000_500_1)
        }
    }

    @Test(arguments: [0, 7, -1, 1_000_000, .max, .min] as [Int64])
    func integersAreExact(value: Int64) {
        #expect(written { $0.int(value) } == "\(value)")
    }

    @Test func stringsAreEscaped() {
        #expect(written { $0.string("a\"b\\c\u{1}é😀") } == "\"a\\\"b\\\\c\\u0001é😀\"")
    }

    @Test func aClearedBufferStartsAnew() {
        #expect(
            written {
                $0.int(12); $0.clear(); $0.bool(true)
            } == "true")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400_000_000, "2000-02-29T00:00:00Z"),
        (1_772_431_242_120_000, "2026-03-02T06:00:42.120Z"), (1_772_431_242_120_450, "2026-03-02T06:00:42.120450Z"),
        (1_772_431_242_000_001, "2026-03-02T06:00:42.000001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (7_258_118_399_999_000, "2199-12-31T23:59:59.999Z"),
    ])
    func timestampsAreCanonical(microseconds: Int64, text: String) {
        #expect(written { $0.timestamp(microseconds) } == "\"\(text)\"")
    }

    @Test func timestampsAgreeWithFoundation() throws {
        var random = Xoshiro256(seed: 8)
        for _ in 0..<2000 {
            let second = Int64(random.uniform(0...7_258_118_400))
            let date = Date(timeIntervalSince1970: Double(second))
            #expect(written { $0.timestamp(second * 1_000_000) } == "\"\(date.ISO8601Format())\"")
        }
    }
}
