import EgizCore

/// Bytes that know whether they are whole: a version, flags, a tag, the raw length and a CRC-32, before the bytes themselves, in
/// LZ4 where they are many and that makes them fewer.
///
///     0  format version      1  flags (1: LZ4)      2  tag, of the bytes' owner
///     3  raw length, UInt32, little-endian          7  CRC-32 of bytes 0..<7 and 11..., little-endian
///     11 the bytes
///
/// The checksum is of the bytes as they are stored, so that every flipped bit is noticed and LZ4 never sees a damaged one.
enum Frame {
    /// What this program writes and the newest it reads. It starts high so that a stray text is no frame.
    static let version: UInt8 = 0xE1
    static let headerCount = 11
    private static let compressed: UInt8 = 1
    private static let compressesAbove = 256

    static func encode(_ bytes: [UInt8], tag: UInt8) -> [UInt8] {
        let packed = bytes.count > compressesAbove ? LZ4Block.compress(bytes) : nil
        let payload = packed ?? bytes
        var frame: [UInt8] = []
        frame.reserveCapacity(headerCount + payload.count)
        frame.append(version)
        frame.append(packed == nil ? 0 : compressed)
        frame.append(tag)
        append(UInt32(clamping: bytes.count), &frame)
        append(checksum(frame[...], payload[...]), &frame)
        frame.append(contentsOf: payload)
        return frame
    }

    /// The tag and the raw bytes. Errors say what is wrong, for a sentence that names whose bytes they are.
    static func decode(_ frame: [UInt8]) throws(StateFault) -> (tag: UInt8, bytes: [UInt8]) {
        guard let first = frame.first else { throw StateFault("is empty") }
        guard first <= version else {
            throw StateFault(
                "has frame version \(first), this program reads up to \(version): a newer version of egiz wrote it")
        }
        guard first == version else { throw StateFault("does not begin like a frame (byte 0 is \(first))") }
        guard frame.count >= headerCount else { throw StateFault("ends in its header, at byte \(frame.count)") }
        guard frame[1] & ~compressed == 0 else { throw StateFault("has unknown flags \(frame[1])") }
        let count = Int(word(frame, 3))
        let payload = frame[headerCount...]
        guard checksum(frame[..<7], payload) == word(frame, 7) else {
            throw StateFault("is damaged: its checksum does not match")
        }
        let bytes: [UInt8]
        if frame[1] & compressed != 0 {
            guard let raw = LZ4Block.decompress(payload, count: count) else {
                throw StateFault("is damaged: its bytes cannot be decompressed")
            }
            bytes = raw
        } else {
            guard payload.count == count else {
                throw StateFault("is damaged: it says \(count) bytes and has \(payload.count)")
            }
            bytes = Array(payload)
        }
        return (frame[2], bytes)
    }

    private static func checksum(_ header: ArraySlice<UInt8>, _ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc = CRC32()
        header.withUnsafeBytes { crc.update($0) }
        bytes.withUnsafeBytes { crc.update($0) }
        return crc.value
    }

    private static func append(_ value: UInt32, _ frame: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { frame.append(contentsOf: $0) }
    }

    private static func word(_ frame: [UInt8], _ offset: Int) -> UInt32 {
        frame.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }
}
