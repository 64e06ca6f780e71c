import Foundation
import ZonesunMachine

/// Writes records as `key|value` lines, which `kcat -P -K '|'` reads.
struct StandardOutputSink: EventSink {
    private let key: [UInt8]?
    private var lines: [UInt8] = []

    /// - Parameter key: in the place of the machines' own.
    init(key: String?) { self.key = key.map { Array($0.utf8) } }

    mutating func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) throws {
        lines += self.key ?? key
        lines.append(UInt8(ascii: "|"))
        lines += value
        lines.append(UInt8(ascii: "\n"))
        // A terminal or a pipe sees each line at once where they are few; under load they go in blocks.
        if lines.count > 8192 || time - lastFlush > 20_000 {
            lastFlush = time
            guard write() else { throw Stopped() }
        }
    }

    /// Event time of the last write, in microseconds.
    private var lastFlush = Int64.min / 2

    mutating func flush() { _ = write() }

    /// False where the reader is gone.
    private mutating func write() -> Bool {
        let isWritten = lines.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
        lines.removeAll(keepingCapacity: true)
        return isWritten
    }
}
