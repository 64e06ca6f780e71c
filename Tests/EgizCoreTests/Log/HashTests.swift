import EgizCore
import EgizTwin
import Testing

@Suite struct HashTests {
    private func murmur(_ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { Int32(bitPattern: Murmur2.hash(UnsafeRawBufferPointer($0))) }
    }

    // Apache Kafka, UtilsTest.testMurmur2.
    @Test(
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur2AgreesWithKafka(_ text: String, _ hash: Int32) { #expect(murmur(text) == hash) }

    @Test func partitionsAreInRangeAlsoForNegativeHashes() {
        #expect(
            Murmur2.partition(ofKey: "21", partitions: 7) == Int32((UInt32(bitPattern: -973_932_308) & 0x7fff_ffff) % 7)
        )
        for n in 0..<200 { #expect((0..<5).contains(Murmur2.partition(ofKey: "k\(n)", partitions: 5))) }
        #expect(Murmur2.partition(ofKey: "", partitions: 1) == 0)
        #expect(Murmur2.partition(ofKey: "x", partitions: 0) == 0)
    }

    @Test func crc32HasTheStandardCheckValueAndCanBeFedInPieces() {
        func crc(_ parts: String...) -> UInt32 {
            var crc = CRC32()
            for var part in parts { part.withUTF8 { crc.update(UnsafeRawBufferPointer($0)) } }
            return crc.value
        }
        #expect(crc("123456789") == 0xCBF4_3926)
        #expect(crc("1234", "", "56789") == 0xCBF4_3926)
        #expect(crc("") == 0)
        #expect(crc("The quick brown fox jumps over the lazy dog") == 0x414F_A339)
    }

    @Test func theNextOffsetIsOneAfterTheConsumed() {
        #expect(NextOffset(after: 41).raw == 42)
        #expect(NextOffset(stored: 42) == NextOffset(after: 41))
        #expect(NextOffset(stored: 1) < NextOffset(stored: 2))
    }

    @Test func aMarkTellsRecordsApartByKeyValueAndTime() {
        func mark(_ key: String, _ value: String?, _ time: Int64) -> RecordMark {
            Array(key.utf8).withUnsafeBytes { key in
                Array((value ?? "").utf8).withUnsafeBytes { bytes in
                    RecordMark(
                        of: RawRecord(
                            topic: 0, partition: 0, offset: 3, timestamp: EventTime(microseconds: time), key: key,
                            value: value == nil ? nil : bytes))
                }
            }
        }
        #expect(mark("k", "v", 1) == mark("k", "v", 1))
        #expect(mark("k", "v", 1) != mark("k", "w", 1))
        #expect(mark("j", "v", 1) != mark("k", "v", 1))
        #expect(mark("k", "v", 2) != mark("k", "v", 1))
    }
}

/// SHA-256 against the vectors of FIPS 180-4 and RFC 6234.
@Suite struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func digestsAreThoseOfTheStandard(_ text: String, _ digest: String) {
        #expect(SHA256.hash(Array(text.utf8)).hex == digest)
    }

    @Test func everyLengthAroundABlockIsPadded() {
        // Digest of digests, from Python's hashlib.
        let all = (0..<200).flatMap { SHA256.hash([UInt8](repeating: 0x78, count: $0)) }
        #expect(SHA256.hash(all).hex == "f5e61141898898cdabae3590cb32e1901b40bdc59952302926213a44c105c129")
    }
}
