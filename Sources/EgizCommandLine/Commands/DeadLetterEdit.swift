import ArgumentParser
import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

extension DeadLetterCommand {
    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts another value in the place of a letter's; the original is kept.",
            discussion: """
                The new value comes from --value, from --set and --remove on the present one, or from standard input. It must be \
                an event of the same thing: neither the key nor the thing id can change. Nothing is processed by it; `egiz dlq \
                retry` says what the edited letter would do.

                EXAMPLES
                  egiz dlq show 17 --raw > value.json; vi value.json; egiz dlq edit 17 --value value.json
                  egiz dlq edit 17 --set /features/filler/temperature=21.5 --remove /features/broken
                  egiz dlq edit 17 --revert
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The id that `egiz dlq list` shows.") var id: Int64
        @Option(help: "A file with the new value, byte for byte.") var value: String?
        @Option(help: ArgumentHelp("A member to set, as POINTER=JSON.", valueName: "pointer=json")) var set: [String] =
            []
        @Option(help: ArgumentHelp("A member to take out.", valueName: "pointer")) var remove: [String] = []
        @ArgumentParser.Flag(help: "Take the edit back.") var revert = false
        @Option(help: "The source's format (ditto, telemetry, json), where its topology is not deployed any more.")
        var format: String?
        @Option(help: "Who does it; written down. Default: user@host.") var by: String?

        func validate() throws {
            let ways = [value != nil, !set.isEmpty || !remove.isEmpty, revert].count { $0 }
            guard ways <= 1 else { throw ValidationError("--value, --set/--remove and --revert exclude each other") }
        }

        func run() async throws {
            let connection = try await DeadLetterCommand.connect(common)
            let requests = RedriveRequests(connection)
            if revert {
                guard try noted("revert", connection, { () throws(EngineError) in try requests.revert(id) }) else {
                    throw DeadLetterCommand.gone(id)
                }
                return Console.print("letter \(id): the original value counts again")
            }
            guard let letter = try DeadLetterQueries(connection).letter(id) else { throw DeadLetterCommand.gone(id) }
            let bytes = try newValue(letter)
            let thing = try LetterEdit.check(bytes, of: letter.letter, format: try recordFormat(letter, connection))
            let person = by ?? DeadLetterCommand.user
            let isEdited = try noted("edit", connection) { () throws(EngineError) in
                try requests.edit(id, value: bytes, by: person)
            }
            guard isEdited else { throw DeadLetterCommand.gone(id) }
            Console.print(
                """
                letter \(id)\(thing.map { " of \($0)" } ?? "") is edited; the original is kept (--revert goes back to it)
                `egiz dlq retry \(id)` says what it would do now
                """)
        }

        /// The change and its entry in the audit log, both or neither; values of letters are in no entry.
        private func noted(
            _ action: String, _ connection: PostgresConnection, _ change: () throws(EngineError) -> Bool
        ) throws(EngineError) -> Bool {
            try connection.transaction { connection throws(EngineError) in
                guard try change() else { return false }
                try AuditWriter.append(
                    connection,
                    AuditEntry(
                        actor: "operator:\(by ?? DeadLetterCommand.user)", action: "dead-letter.\(action)",
                        object: "dead-letter:\(id)"))
                return true
            }
        }

        private func recordFormat(_ letter: WholeDeadLetter, _ connection: PostgresConnection) throws -> RecordFormat {
            if let format {
                guard let known = RecordFormat(rawValue: format) else {
                    throw ValidationError("--format is ditto, telemetry or json")
                }
                return known
            }
            do throws(EngineError) {
                return try RedriveDryRun.stage(
                    letter.row.stage, DeadLetterQueries(connection), StoredTopology.read
                ).source.format
            } catch {
                throw EngineError(error.code, error.retry, "\(error.message); or say --format", detail: error.detail)
            }
        }

        private func newValue(_ letter: WholeDeadLetter) throws -> [UInt8] {
            if let value {
                do {
                    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: value)))
                } catch {
                    throw EngineError(.config, .never, "\(value) cannot be read: \(error.localizedDescription)")
                }
            }
            if !set.isEmpty || !remove.isEmpty { return try changed(letter.value) }
            guard isatty(FileHandle.standardInput.fileDescriptor) == 0 else {
                throw ValidationError(
                    "say the new value: --value FILE, --set POINTER=JSON, or send it to standard input")
            }
            return [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
        }

        private func changed(_ bytes: [UInt8]?) throws -> [UInt8] {
            let parser = JSONParser()
            var document: JSONValue
            do {
                document = try parser.parse(bytes ?? [])
            } catch {
                throw EngineError(
                    .decode, .never,
                    "the value is not JSON (\(error.message)), so no member of it can be set; give all of it with --value"
                )
            }
            for text in remove { document = try JSONEdit.apply(nil, at: try Self.pointer(text), to: document) }
            for text in set {
                guard let cut = text.firstIndex(of: "=") else { throw ValidationError("--set takes POINTER=JSON") }
                let member: JSONValue
                do {
                    member = try parser.parse(Array(text[text.index(after: cut)...].utf8))
                } catch {
                    throw ValidationError(
                        "--set \(text): what follows the equals sign is not JSON (\(error.message)); texts need quotes")
                }
                document = try JSONEdit.apply(member, at: try Self.pointer(String(text[..<cut])), to: document)
            }
            return Array(document.text.utf8)
        }

        private static func pointer(_ text: String) throws -> JSONPointer {
            do {
                return try JSONPointer(parsing: text)
            } catch {
                throw ValidationError(error.message)
            }
        }
    }
}
