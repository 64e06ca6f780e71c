import EgizCore
import Testing

@testable import EgizPostgres

@Suite struct DeadLetterBatchTests {
    private static let megabyte = 1 << 20

    private func letters(_ count: Int, _ change: (inout DeadLetter) -> Void) -> [DeadLetter] {
        (0..<count).map { n in
            var letter = Epochs.letter(offset: Int64(n), value: nil)
            letter.headers = []
            change(&letter)
            return letter
        }
    }

    private func covers(_ ranges: [Range<Int>], _ count: Int) -> Bool {
        ranges.flatMap { Array($0) } == Array(0..<count)
    }

    @Test func aThousandSmallLettersAreOneStatement() {
        #expect(DeadLetterInsert.batches(letters(1000) { _ in }) == [0..<1000])
        #expect(DeadLetterInsert.batches(letters(1001) { _ in }) == [0..<1000, 1000..<1001])
        #expect(DeadLetterInsert.batches([]).isEmpty)
    }

    @Test(arguments: ["value", "key", "message", "header", "header name"])
    func whateverIsLargeInALetterBoundsItsStatement(_ part: String) {
        let bytes = [UInt8](repeating: 7, count: Self.megabyte)
        let text = String(repeating: "x", count: Self.megabyte)
        let letters = letters(40) { letter in
            switch part {
            case "value": letter.value = bytes
            case "key": letter.key = bytes
            case "message": letter.message = text
            case "header": letter.headers = [.init(name: "h", value: bytes)]
            default: letter.headers = [.init(name: text, value: nil)]
            }
        }
        let ranges = DeadLetterInsert.batches(letters)
        #expect(ranges.count >= 5 && ranges.allSatisfy { $0.count <= 8 }, "\(ranges)")
        #expect(covers(ranges, 40))
    }

    @Test func aLetterBeyondTheBoundGoesAlone() {
        let letters = letters(3) { $0.value = [UInt8](repeating: 7, count: 9 * Self.megabyte) }
        #expect(DeadLetterInsert.batches(letters) == [0..<1, 1..<2, 2..<3])
    }
}
