/// Comparison and hashing of raw bytes.
enum Bytes {
    /// Differs from process to process, so that nobody can prepare keys that collide.
    static let seed = UInt64.random(in: .min ... .max)

    @inline(__always)
    static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        let count = a.count
        guard count == b.count else { return false }
        guard let p = a.baseAddress, let q = b.baseAddress else { return true }
        return equal(p, q, count)
    }

    @inline(__always)
    static func equal(_ p: UnsafeRawPointer, _ q: UnsafeRawPointer, _ count: Int) -> Bool {
        var at = 0
        while at &+ 8 <= count {
            if p.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                != q.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            {
                return false
            }
            at &+= 8
        }
        if at < count {
            if count >= 8 {
                return p.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                    == q.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            }
            while at < count {
                if p.load(fromByteOffset: at, as: UInt8.self) != q.load(fromByteOffset: at, as: UInt8.self) {
                    return false
                }
                at &+= 1
            }
        }
        return true
    }

    /// Whether `a` comes before `b`, byte by byte; a beginning comes before the whole.
    static func less(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard let p = a.baseAddress, let q = b.baseAddress else { return a.count < b.count }
        let count = min(a.count, b.count)
        var at = 0
        while at &+ 8 <= count {
            let x = p.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let y = q.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if x != y { return x.bigEndian < y.bigEndian }
            at &+= 8
        }
        while at < count {
            let x = p.load(fromByteOffset: at, as: UInt8.self)
            let y = q.load(fromByteOffset: at, as: UInt8.self)
            if x != y { return x < y }
            at &+= 1
        }
        return a.count < b.count
    }

    /// A multiply-and-fold hash in the manner of wyhash: not cryptographic, but seeded.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        let count = bytes.count
        guard count > 0, let p = bytes.baseAddress else { return mix(seed, 0x9E37_79B9_7F4A_7C15) }
        var state = seed ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15)
        var at = 0
        while at &+ 16 < count {
            state = mix(
                p.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ 0xA076_1D64_78BD_642F,
                p.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self) ^ state)
            at &+= 16
        }
        let rest = count &- at
        let low: UInt64
        let high: UInt64
        if rest >= 8 {
            low = p.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            high = p.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        } else if rest >= 4 {
            low = UInt64(p.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            high = UInt64(p.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
        } else {
            low =
                UInt64(p.load(fromByteOffset: at, as: UInt8.self)) << 16
                | UInt64(p.load(fromByteOffset: at &+ rest / 2, as: UInt8.self)) << 8
                | UInt64(p.load(fromByteOffset: count &- 1, as: UInt8.self))
            high = 0
        }
        return mix(low ^ 0xE703_7ED1_A0B4_28DB, high ^ state)
    }

    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
