import EgizCore
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

@Suite struct FrameTests {
    private var random = SeededGenerator(seed: 7)

    private mutating func bytes(_ count: Int, letters: UInt8 = 255) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...letters, using: &random) }
    }

    private func state(_ frame: [UInt8]) throws(EngineError) -> (version: UInt8, bytes: [UInt8]) {
        try StateFrame.decode(frame, stage: "line.events", processor: "rollup", thing: "ns:machine")
    }

    // MARK: States

    @Test mutating func whatGoesInComesOut() throws {
        for round in 0..<400 {
            let raw = bytes(
                Int.random(in: 0...(round < 200 ? 600 : 20_000), using: &random), letters: round % 2 == 0 ? 255 : 3)
            let version = UInt8(truncatingIfNeeded: round)
            let frame = StateFrame.encode(raw, version: version)
            let (read, result) = try state(frame)
            #expect(read == version && result == raw)
            #expect(frame.count <= raw.count + Frame.headerCount)
        }
    }

    @Test mutating func onlyLargeStatesThatShrinkAreCompressed() {
        #expect(StateFrame.encode([UInt8](repeating: 1, count: 256), version: 1).count == 256 + Frame.headerCount)
        #expect(StateFrame.encode([UInt8](repeating: 1, count: 257), version: 1).count < 60)
        #expect(StateFrame.encode(bytes(5000), version: 1).count == 5000 + Frame.headerCount)
    }

    @Test(arguments: [40, 3000]) func everyFlippedBitIsNoticed(size: Int) throws {
        let frame = StateFrame.encode([UInt8](repeating: 9, count: size), version: 3)
        for index in frame.indices {
            for bit in 0..<8 {
                var broken = frame
                broken[index] ^= 1 << UInt8(bit)
                #expect(throws: EngineError.self, "byte \(index), bit \(bit)") { try state(broken) }
            }
        }
        for count in frame.indices {
            #expect(throws: EngineError.self) { try state(Array(frame[..<count])) }
        }
        #expect(throws: EngineError.self) { try state(frame + [0]) }
    }

    @Test mutating func noiseNeverTraps() {
        for _ in 0..<20_000 {
            var noise = bytes(Int.random(in: 0...64, using: &random))
            // Past the first gate, or every round would end there.
            if !noise.isEmpty { noise[0] = Frame.version }
            if noise.count > 1 { noise[1] &= 1 }
            #expect(throws: EngineError.self) { try state(noise) }
        }
    }

    @Test func aNewerFrameStopsWithItsKey() throws {
        var frame = StateFrame.encode([1, 2, 3], version: 1)
        frame[0] = Frame.version + 1
        let error = #expect(throws: EngineError.self) { try state(frame) }
        #expect(error?.code == .state && error?.retry == .stop)
        for word in ["line.events", "rollup", "ns:machine", "newer"] { #expect(error?.message.contains(word) == true) }
    }

    /// A whole frame of bad bytes: what a fault of our own would leave.
    @Test mutating func aLyingLengthTakesNoMemory() {
        for count in [UInt32.max, 1 << 30, 2999, 3001, 0] {
            var frame = StateFrame.encode([UInt8](repeating: 9, count: 3000), version: 3)
            withUnsafeBytes(of: count.littleEndian) { frame.replaceSubrange(3..<7, with: $0) }
            var crc = CRC32()
            frame.withUnsafeBytes {
                crc.update(UnsafeRawBufferPointer(rebasing: $0[..<7]))
                crc.update(UnsafeRawBufferPointer(rebasing: $0[11...]))
            }
            withUnsafeBytes(of: crc.value.littleEndian) { frame.replaceSubrange(7..<11, with: $0) }
            let error = #expect(throws: EngineError.self) { try state(frame) }
            #expect(error?.message.contains("decompressed") == true)
        }
    }

    // MARK: Outboxes

    private mutating func records(_ count: Int) -> [OutputRecord] {
        (0..<count).map { number in
            OutputRecord(
                topic: ["alerts", "a.b", "ml.input"][Int.random(in: 0...2, using: &random)],
                key: Bool.random(using: &random) ? bytes(Int.random(in: 0...20, using: &random)) : nil,
                value: Bool.random(using: &random) ? bytes(Int.random(in: 0...200, using: &random), letters: 4) : nil,
                headers: (0..<Int.random(in: 0...3, using: &random)).map {
                    .init(name: "h\($0)\u{0}é", value: Bool.random(using: &random) ? bytes(3) : nil)
                }, id: "line/events/twins/0@1/\(number)/0", time: Int64.random(in: .min ... .max, using: &random))
        }
    }

    private static let task = TaskID(stage: StageName(topology: "line", source: "events"), partition: 4)

    @Test mutating func recordsComeOutOfAnOutboxAsTheyWentIn() throws {
        for round in 0..<60 {
            let emitted = records(round)
            #expect(try OutboxFrame.decode(OutboxFrame.encode(emitted), task: Self.task, epoch: 1) == emitted)
        }
    }

    @Test func topicsAreStoredOnce() {
        let topic = String(repeating: "t", count: 200)
        let records = (0..<100).map {
            OutputRecord(topic: topic, key: nil, value: nil, headers: [], id: "\($0)", time: Int64($0) << 30)
        }
        #expect(OutboxFrame.encode(records).count < 200 + 100 * 16)
    }

    @Test mutating func aBrokenOutboxStopsWithItsTaskAndNeverTraps() throws {
        let frame = OutboxFrame.encode(records(20))
        for index in frame.indices {
            var broken = frame
            broken[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            let error = #expect(throws: EngineError.self) {
                try OutboxFrame.decode(broken, task: Self.task, epoch: 77)
            }
            #expect(error?.code == .state && error?.retry == .stop)
            #expect(error?.message.contains("line.events/4") == true && error?.message.contains("77") == true)
        }
    }

    /// The checksum holds, the records within do not: what a fault of our own, or another program, would leave.
    @Test mutating func noiseInAWholeFrameNeverTraps() {
        for _ in 0..<20_000 {
            var raw = bytes(Int.random(in: 0...40, using: &random), letters: 5)
            if Bool.random(using: &random) { raw += bytes(4) }
            let frame = Frame.encode(raw, tag: 1)
            // Some of it may even be an outbox.
            _ = try? OutboxFrame.decode(frame, task: Self.task, epoch: 1)
        }
    }
}
