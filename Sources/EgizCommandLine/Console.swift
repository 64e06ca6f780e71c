import Foundation

/// Standard output without buffering: what is said is seen at once, in a pipe as well.
enum Console {
    static func print(_ text: String, terminator: String = "\n") {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
    }
}
