/// Numbers in the smallest form that gives back every bit. Most measured values are decimals: such a number is an integer divided by
/// a power of ten, exactly (the insight of ALP, SIGMOD 2024), and the integers of one segment differ little. Others are integers
/// divided by a power of two. Sample i is `(base + low + (middle << 32) + (high << 48)) / scale`, which plain SQL can say.
struct PackedNumbers: Equatable {
    enum Low: Equatable {
        case none
        case small([Int16])
        case wide([Int32])
    }

    /// Nil: `plain` has all of them.
    var base: Int64?
    var scale: Double = 1
    var low = Low.none
    var middle: [Int16] = []
    var high: [Int8] = []
    /// Empty, or one for each number: those that the integers do not give, nil for the others.
    var plain: [Double?] = []

    /// Of what an exception costs, four integers could be had: more than a tenth of them make the form useless.
    private static let exceptionsOf = 10
    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    init() {}

    init(_ numbers: [Double]) {
        let decimal = Self.decimal(numbers)
        if let decimal, decimal.bytesPerNumber <= 4 {
            self = decimal
        } else if let binary = Self.binary(numbers), binary.bytesPerNumber < decimal?.bytesPerNumber ?? 8 {
            self = binary
        } else if let decimal {
            self = decimal
        } else {
            plain = numbers
        }
    }

    /// Without exceptions.
    private var bytesPerNumber: Int {
        let low =
            switch low {
            case .none: 0
            case .small: 2
            case .wide: 4
            }
        return low + (middle.isEmpty ? 0 : 2) + (high.isEmpty ? 0 : 1)
    }

    func numbers(count: Int) -> [Double] {
        guard let base else { return plain.map { $0 ?? 0 } }
        var numbers: [Double]
        switch low {
        case .none: numbers = Array(repeating: Double(base) / scale, count: count)
        case .small(let low): numbers = low.map { Double(base &+ Int64($0)) / scale }
        case .wide(let low):
            if middle.isEmpty {
                numbers = low.map { Double(base &+ Int64($0)) / scale }
            } else {
                numbers = low.indices.map { index in
                    var integer = base &+ Int64(low[index]) &+ Int64(middle[index]) << 32
                    if !high.isEmpty { integer &+= Int64(high[index]) << 48 }
                    return Double(integer) / scale
                }
            }
        }
        for (index, exception) in plain.enumerated() where index < numbers.count {
            if let exception { numbers[index] = exception }
        }
        return numbers
    }

    // MARK: Decimals

    private static func decimal(_ numbers: [Double]) -> PackedNumbers? {
        let most = numbers.count / exceptionsOf
        // How many numbers need which power of ten; the last place counts those that no power serves.
        var counts = Array(repeating: 0, count: powers.count + 1)
        for number in numbers {
            let needed = powers.indices.first { integer(number, powers[$0]) != nil } ?? powers.count
            counts[needed] += 1
            if counts[powers.count] > most { return nil }
        }
        // With the power that serves all of them, or with the smallest that serves most, whichever comes out smaller: one odd
        // number must not make all others long.
        let all = powers.indices.last { counts[$0] > 0 } ?? 0
        var few = all
        var above = counts[powers.count]
        while few > 0, above + counts[few] <= most {
            above += counts[few]
            few -= 1
        }
        return Set([all, few]).compactMap { exponent in
            packed(numbers.map { integer($0, powers[exponent]) }, scale: powers[exponent], numbers)
        }.min { $0.cost < $1.cost }
    }

    /// Bytes of all numbers, about.
    private var cost: Int {
        let exceptions = plain.reduce(0) { $0 + ($1 == nil ? 0 : 8) }
        return plain.count / 8 + exceptions + bytesPerNumber * counted
    }

    private var counted: Int {
        switch low {
        case .none: 0
        case .small(let low): low.count
        case .wide(let low): low.count
        }
    }

    /// The integer that gives exactly this number when divided by the power of ten.
    private static func integer(_ number: Double, _ power: Double) -> Int64? {
        let product = (number * power).rounded()
        guard product.magnitude < 9_007_199_254_740_992 else { return nil }
        return (product / power).bitPattern == number.bitPattern && !(product == 0 && number.sign == .minus)
            ? Int64(product) : nil
    }

    // MARK: Binary fractions

    private static func binary(_ numbers: [Double]) -> PackedNumbers? {
        var digits = 0
        for number in numbers where number != 0 {
            guard number.isNormal else { return nil }
            digits = max(digits, number.significandWidth - Int(number.exponent))
        }
        guard digits <= 1000 else { return nil }
        let scale = Double(sign: .plus, exponent: digits, significand: 1)
        let integers = numbers.map { number -> Int64? in
            let product = number * scale
            guard product.magnitude < 0x1p60, product != 0 || number.sign == .plus else { return nil }
            return Int64(product)
        }
        return packed(integers, scale: scale, numbers)
    }

    // MARK: Frame of reference

    private static func packed(_ integers: [Int64?], scale: Double, _ numbers: [Double]) -> PackedNumbers? {
        var least = Int64.max
        var most = Int64.min
        var exceptions = 0
        for integer in integers {
            guard let integer else {
                exceptions += 1
                continue
            }
            (least, most) = (min(least, integer), max(most, integer))
        }
        guard least <= most, exceptions <= numbers.count / exceptionsOf else { return nil }
        let range = UInt64(most - least)
        var packed = PackedNumbers()
        packed.scale = scale
        if range == 0 {
            packed.base = least
        } else if range < 1 << 16 {
            let base = least + 1 << 15
            packed.base = base
            packed.low = .small(integers.map { Int16(($0 ?? base) - base) })
        } else if range < 1 << 32 {
            let base = least + 1 << 31
            packed.base = base
            packed.low = .wide(integers.map { Int32(($0 ?? base) - base) })
        } else if range < 1 << 56 {
            let isNarrow = range < 1 << 48
            let base = least + 1 << 31 + 1 << 47 + (isNarrow ? 0 : 1 << 55)
            packed.base = base
            let low = integers.map { Int32(truncatingIfNeeded: ($0 ?? base) - base) }
            let rest = integers.indices.map { ((integers[$0] ?? base) - base - Int64(low[$0])) >> 32 }
            packed.low = .wide(low)
            packed.middle = rest.map { Int16(truncatingIfNeeded: $0) }
            if !isNarrow {
                packed.high = rest.indices.map { Int8((rest[$0] - Int64(packed.middle[$0])) >> 16) }
            }
        } else {
            return nil
        }
        if exceptions > 0 { packed.plain = integers.indices.map { integers[$0] == nil ? numbers[$0] : nil } }
        // What is stored must be what came, to the bit; nothing is assumed.
        let back = packed.numbers(count: numbers.count)
        guard back.count == numbers.count, zip(back, numbers).allSatisfy({ $0.bitPattern == $1.bitPattern }) else {
            return nil
        }
        return packed
    }
}
