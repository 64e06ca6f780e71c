import TestSupport
import Testing

@testable import EgizCore

@Suite struct StateCodecTests {
    @Test func whatIsWrittenIsRead() throws {
        var writer = StateWriter()
        writer.write(UInt8(7))
        writer.write(true)
        writer.write(Int64.min)
        writer.write(-0.0)
        writer.write(count: 300)
        writer.write("Größe \u{0}")
        writer.write([UInt8](repeating: 1, count: 300))
        var reader = StateReader(writer.bytes)
        #expect(try reader.byte() == 7)
        #expect(try reader.bool())
        #expect(try reader.int64() == .min)
        #expect(try reader.double().sign == .minus)
        #expect(try reader.count() == 300)
        #expect(try reader.text() == "Größe \u{0}")
        #expect(try reader.data().count == 300)
        #expect(reader.isAtEnd)
    }

    @Test(arguments: 0..<200)
    func brokenBytesGiveAFaultAndNeverATrap(_ seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var reader = StateReader(
            (0..<Int.random(in: 0...40, using: &random)).map { _ in .random(in: 0...255, using: &random) })
        do throws(StateFault) {
            while true {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: _ = try reader.byte()
                case 1: _ = try reader.bool()
                case 2: _ = try reader.int64()
                case 3: _ = try reader.count()
                case 4: _ = try reader.text()
                default: _ = try reader.data()
                }
            }
        } catch {
            #expect(!error.message.isEmpty)
        }
    }
}
