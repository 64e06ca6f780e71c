/// Blackman and Vigna's xoshiro256**: the source of all chance in the simulation, so that a seed repeats a run exactly on
/// every machine. The distributions use nothing but exact arithmetic for the same reason.
public struct Xoshiro256: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var mixer = SplitMix64(seed: seed)
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    public mutating func next() -> UInt64 {
        let result = rotate(state.1 &* 5, by: 7) &* 9
        let t = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= t
        state.3 = rotate(state.3, by: 45)
        return result
    }

    /// Uniform in 0 ..< 1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform between two bounds.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// Nearly normal with mean 0 and standard deviation 1: the sum of the four 16-bit quarters of one word (Irwin-Hall).
    /// Bounded by ±3.47, which suits sensors.
    public mutating func normal() -> Double {
        let word = next()
        let sum = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48)
        return (Double(sum) / 65536 - 2) * 1.732_050_807_568_877_2
    }

    /// Whether something happens within `seconds` that happens once in `mean` seconds on average.
    public mutating func happens(within seconds: Double, onceIn mean: Double) -> Bool { unit() < seconds / mean }
}

private func rotate(_ x: UInt64, by k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
