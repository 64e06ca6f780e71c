/// Rounding without libm, which pure modules are not linked with.
enum Rounding {
    /// From here on a double has no fraction.
    private static let whole = 0x1p52

    @inline(__always)
    static func floor(_ x: Double) -> Double {
        guard x.magnitude < whole else { return x }
        let truncated = Double(Int64(x))
        return truncated > x ? truncated - 1 : truncated
    }

    @inline(__always)
    static func ceil(_ x: Double) -> Double { -floor(-x) }

    /// To the nearest whole number, halves away from zero.
    @inline(__always)
    static func round(_ x: Double) -> Double {
        guard x.magnitude < whole else { return x }
        let truncated = Double(Int64(x))
        // The fraction is exact; adding a half first would lift 0.49999999999999994 to 1.
        let fraction = (x - truncated).magnitude
        return fraction < 0.5 ? truncated : x < 0 ? truncated - 1 : truncated + 1
    }

    /// 10 to a power from 0 to 22, which doubles hold exactly.
    static func power(of ten: Int) -> Double {
        var result = 1.0
        for _ in 0..<ten { result *= 10 }
        return result
    }

    /// A whole power by squaring.
    static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var factor = base
        var rest = exponent.magnitude
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return exponent < 0 ? 1 / result : result
    }
}
