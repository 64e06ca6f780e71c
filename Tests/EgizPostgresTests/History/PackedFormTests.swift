import EgizCore
import Foundation
import TestSupport
import Testing

@testable import EgizPostgres

/// The compacted form gives back every bit.
@Suite struct PackedFormTests {
    private func bits(_ numbers: [Double]) -> [UInt64] { numbers.map(\.bitPattern) }

    private func roundTrip(_ numbers: [Double], sourceLocation: SourceLocation = #_sourceLocation) -> PackedNumbers {
        let packed = PackedNumbers(numbers)
        #expect(bits(packed.numbers(count: numbers.count)) == bits(numbers), sourceLocation: sourceLocation)
        return packed
    }

    @Test func decimalsOfASensorTakeTwoBytes() {
        let packed = roundTrip((0..<1000).map { Double(2000 + $0 % 700) / 100 })
        #expect(packed.scale == 100)
        guard case .small(let low) = packed.low else { return #expect(Bool(false), "\(packed.low)") }
        #expect(low.count == 1000 && packed.plain.isEmpty && packed.middle.isEmpty)
    }

    @Test func aConstantTakesNothing() {
        let packed = roundTrip(Array(repeating: 21.35, count: 500))
        #expect(packed.low == .none && packed.base == 2135 && packed.scale == 100)
    }

    @Test func whatIsNoDecimalStaysAsAnException() {
        var numbers = (0..<100).map { Double($0) / 10 }
        numbers[3] = -0.0
        numbers[50] = Double.pi
        let packed = roundTrip(numbers)
        #expect(packed.plain.compactMap(\.self).count == 2)
        guard case .small = packed.low else { return #expect(Bool(false), "\(packed.low)") }
    }

    @Test func wholeDoublesOfOneMagnitudeTakeSevenBytes() {
        var random = SeededGenerator(seed: 7)
        let numbers = (0..<1000).map { _ in Double.random(in: 16..<31, using: &random) }
        let packed = roundTrip(numbers)
        #expect(packed.plain.isEmpty && packed.middle.count == 1000 && packed.high.count == 1000)
    }

    @Test func singlePrecisionTakesFourBytes() {
        var random = SeededGenerator(seed: 8)
        let packed = roundTrip((0..<1000).map { _ in Double(Float.random(in: 20..<25, using: &random)) })
        guard case .wide = packed.low else { return #expect(Bool(false), "\(packed.low)") }
        #expect(packed.middle.isEmpty)
    }

    @Test func oddNumbersComeBackAsTheyAre() {
        _ = roundTrip([0])
        _ = roundTrip([-0.0, -0.0])
        _ = roundTrip([
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, Double(bitPattern: 3), 1,
        ])
        _ = roundTrip([9_007_199_254_740_992, 9_007_199_254_740_994, 1.8446744073709552e19, -9.2e18])
        _ = roundTrip([1e300, 1e-300, 0.1 + 0.2, 1 / 3])
        _ = roundTrip([Double(Int32.max), Double(Int32.min), 0])
        _ = roundTrip([281_474_976_710_655, 0, 140_737_488_355_328])
        _ = roundTrip([72_057_594_037_927_936, 0])
    }

    @Test func randomNumbersOfAllKindsComeBack() {
        var random = SeededGenerator(seed: 9)
        for round in 0..<400 {
            let digits = Int.random(in: 0...12, using: &random)
            let spread = pow(10, Double.random(in: -3...14, using: &random))
            let numbers = (0..<Int.random(in: 1...60, using: &random)).map { _ -> Double in
                let raw = Double.random(in: -spread...spread, using: &random)
                switch round % 4 {
                case 0: return (raw * pow(10, Double(digits))).rounded() / pow(10, Double(digits))
                case 1: return raw
                case 2: return Double(Float(raw))
                default: return Double(bitPattern: UInt64.random(in: 0..<0x7FF0_0000_0000_0000, using: &random))
                }
            }
            _ = roundTrip(numbers)
        }
    }

    @Test func regularTimesTakeNothing() {
        let packed = PackedTimes((0..<600).map { 1_767_225_600_000_000 + $0 * 100_000 })
        #expect(packed.lags == .none && packed.step == 100_000)
    }

    @Test func jitterOfMillisecondsTakesTwoBytes() {
        var random = SeededGenerator(seed: 10)
        let times = (0..<600).map {
            1_767_225_600_000_000 + $0 * 1_000_000 + 1000 * Int64.random(in: 0...400, using: &random)
        }
        let packed = PackedTimes(times)
        guard case .small = packed.lags else { return #expect(Bool(false), "\(packed.lags)") }
        #expect(packed.times == times && packed.unit == 1000)
    }

    @Test func randomTimesComeBack() {
        var random = SeededGenerator(seed: 11)
        for round in 0..<300 {
            let unit: Int64 = [1, 7, 1000, 1_000_000, 3_600_000_000][round % 5]
            let span = min(86_399_999_999, unit * Int64.random(in: 1...10_000_000, using: &random)) / unit
            let chosen = Set(
                (0..<Int.random(in: 1...80, using: &random)).map { _ in Int64.random(in: 0...span, using: &random) })
            let times = chosen.sorted().map { -5_000_000 + $0 * unit }
            #expect(PackedTimes(times).times == times)
        }
    }
}
