import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

/// Dead letters for people.
enum DeadLetterText {
    static func table(_ letters: [DeadLetterRow], found: Int64) -> String {
        var rows = [["ID", "WRITTEN", "STAGE", "RECORD", "THING", "CODE", "STATE", "TRIED", "MESSAGE"]]
        for letter in letters {
            rows.append([
                "\(letter.id)", time(letter.notedAt), letter.stage.text,
                "\(clean(letter.topic))[\(letter.partition)]@\(letter.offset)",
                letter.thing.map { short(clean($0.text), 40) } ?? "-", clean(letter.code), stateAndRetry(letter),
                "\(letter.attempts)", short(clean(letter.message), 70),
            ])
        }
        var text = DeploymentText.table(rows)
        if found > letters.count {
            text += "\n… the newest \(letters.count) of \(found); --limit shows more, --code and --since fewer"
        }
        return text
    }

    private static func state(_ letter: DeadLetterRow) -> String {
        var words = [letter.disposition.rawValue]
        if letter.disposition == .parked { words.append(letter.isFirst ? "(first)" : "(waits)") }
        if letter.editedAt != nil { words.append("edited") }
        return words.joined(separator: " ")
    }

    /// With when it is tried again by itself.
    private static func stateAndRetry(_ letter: DeadLetterRow) -> String {
        state(letter) + (letter.retryAt.map { ", again \(time($0))" } ?? "")
    }

    static func table(_ things: [ParkedThing], found: Int64) -> String {
        var rows = [["PARKED THING", "STAGE", "PARTITION", "RECORDS", "SINCE", "FIRST", "CODE", "MESSAGE"]]
        for thing in things {
            rows.append([
                short(clean(thing.thing), 60), thing.stage.text, "\(thing.partition)", "\(thing.waiting)",
                time(thing.since), "\(thing.first)", clean(thing.code), short(clean(thing.message), 70),
            ])
        }
        var text = DeploymentText.table(rows)
        if found > things.count { text += "\n… \(things.count) of \(found) parked things; --things shows all" }
        return text
    }

    static func table(_ requests: [RedriveProgress]) -> String {
        var rows = [["REQUEST", "TASK", "ACTION", "STATE", "DONE", "FAILED", "ASKED", "BY"]]
        for request in requests {
            rows.append([
                "\(request.id)", "\(request.task)", request.action.rawValue, state(request), "\(request.resolved)",
                "\(request.failed)", time(request.requestedAt), clean(request.requestedBy ?? "-"),
            ])
        }
        return DeploymentText.table(rows)
    }

    static func state(_ request: RedriveProgress) -> String {
        if request.isDone { return "done" }
        return switch request.owner {
        case .worker(let host): "runs on \(clean(host))"
        case .nobody: "waits for a worker"
        case .paused: "waits, the topology is paused"
        }
    }

    // MARK: One letter

    static func whole(_ letter: WholeDeadLetter) -> String {
        let row = letter.row
        var lines = [
            ("letter", "\(row.id), \(state(row)), \(tried(row.attempts))"),
            ("stage", row.stage.text),
            (
                "record",
                "\(clean(row.topic))[\(row.partition)]@\(row.offset), incarnation \(row.incarnation) of the log"
            ),
            ("time", "\(row.recordTime.text) (record), \(row.notedAt.text) (letter)"),
            ("thing", row.thing.map { clean($0.text) } ?? "not known"),
            ("key", letter.key.map { short(printable($0), 200) } ?? "none"),
            ("code", clean(row.code)),
            ("message", clean(row.message)),
        ]
        if let processor = row.processor { lines.append(("processor", clean(processor))) }
        if let at = row.retryAt {
            lines.append(("retry", "\(at.text) of stream time, by the worker that owns the task"))
        }
        for header in letter.headers {
            let value = header.value.map { short(printable($0), 200) } ?? "null"
            lines.append(("header", "\(clean(header.name)) = \(value)"))
        }
        if let at = row.editedAt {
            lines.append(("edited", "\(at.text) by \(clean(row.editedBy ?? "somebody")); the edit counts"))
        }
        var text = lines.map { name, value in
            name.padding(toLength: 11, withPad: " ", startingAt: 0) + value
        }.joined(separator: "\n")
        if row.editedAt != nil { text += "\n\nEDITED VALUE\n\(value(letter.edited))" }
        text += "\n\n\(row.editedAt == nil ? "VALUE" : "ORIGINAL VALUE")\n\(value(letter.original))"
        return text
    }

    private static func tried(_ attempts: Int) -> String {
        switch attempts {
        case 0: "never tried"
        case 1: "tried once"
        default: "tried \(attempts) times"
        }
    }

    /// Indented where it is JSON, as it is where it is text, else in hex.
    static func value(_ bytes: [UInt8]?) -> String {
        guard let bytes else { return "(tombstone)" }
        if bytes.isEmpty { return "(empty)" }
        if let parsed = try? JSONParser().parse(bytes) { return clean(PrettyJSON.text(parsed), lines: true) }
        if let text = String(validating: bytes, as: UTF8.self) { return clean(text, lines: true) }
        return hex(bytes)
    }

    private static func printable(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self).map { clean($0) } ?? "0x" + bytes.map(hex).joined()
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let most = 4096
        var lines: [String] = []
        for start in stride(from: 0, to: min(bytes.count, most), by: 16) {
            let row = bytes[start..<min(start + 16, bytes.count)]
            let text = row.map { (0x20...0x7E).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
            let address = String(start, radix: 16)
            lines.append(
                String(repeating: "0", count: max(0, 8 - address.count)) + address + "  "
                    + row.map(hex).joined(separator: " ").padding(toLength: 49, withPad: " ", startingAt: 0) + text)
        }
        if bytes.count > most { lines.append("… \(bytes.count) bytes; --raw writes them all") }
        return lines.joined(separator: "\n")
    }

    private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    // MARK: Words

    /// `2026-01-31 12:00:00Z`.
    static func time(_ time: EventTime) -> String {
        let text = time.text
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))Z"
    }

    static func short(_ text: String, _ most: Int) -> String {
        text.count > most ? text.prefix(most - 1) + "…" : text
    }

    /// Records come from anywhere: nothing in them may steer the terminal.
    static func clean(_ text: String, lines: Bool = false) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isLine = lines && (scalar == "\n" || scalar == "\t")
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: result.append(isLine ? scalar : "\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
