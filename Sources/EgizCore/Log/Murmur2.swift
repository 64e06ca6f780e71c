/// Kafka's default partitioner for keyed records (Java's `Utils.murmur2`, librdkafka's `murmur2_random`).
///
/// Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`.
public enum Murmur2 {
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let m: UInt32 = 0x5bd1_e995
        let length = bytes.count
        var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: length)
        var i = 0
        while i + 4 <= length {
            var k = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt32.self))
            k = k &* m
            k ^= k >> 24
            k = k &* m
            h = (h &* m) ^ k
            i += 4
        }
        let rest = length - i
        if rest >= 3 { h ^= UInt32(bytes[i + 2]) << 16 }
        if rest >= 2 { h ^= UInt32(bytes[i + 1]) << 8 }
        if rest >= 1 {
            h ^= UInt32(bytes[i])
            h = h &* m
        }
        h ^= h >> 13
        h = h &* m
        h ^= h >> 15
        return h
    }

    /// The partition a keyed record goes to among `partitions`.
    public static func partition(ofKey key: String, partitions: Int32) -> Int32 {
        var key = key
        let h = key.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
        return Int32(h & 0x7fff_ffff) % max(partitions, 1)
    }
}
