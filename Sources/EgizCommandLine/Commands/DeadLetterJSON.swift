import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

/// Dead letters as `egiz dlq … --json` prints them: the members that the API has.
enum DeadLetterJSON {
    struct Letter: Encodable {
        var id: Int64
        var stage: String
        var topic: String
        var partition: Int32
        var offset: Int64
        var incarnation: Int32
        var recordTime: String
        var notedAt: String
        var thingId: String?
        var processor: String?
        var code: String
        var message: String
        var disposition: String
        var isFirst: Bool
        var attempts: Int
        var retryAt: String?
        var editedAt: String?
        var editedBy: String?
        var valueBytes: Int64?

        init(_ row: DeadLetterRow) {
            id = row.id
            stage = row.stage.text
            topic = row.topic
            partition = row.partition
            offset = row.offset
            incarnation = row.incarnation
            recordTime = row.recordTime.text
            notedAt = row.notedAt.text
            thingId = row.thing?.text
            processor = row.processor
            code = row.code
            message = row.message
            disposition = row.disposition.rawValue
            isFirst = row.isFirst
            attempts = row.attempts
            retryAt = row.retryAt?.text
            editedAt = row.editedAt?.text
            editedBy = row.editedBy
            valueBytes = row.valueBytes
        }
    }

    /// `{"utf8": "…"}`, or `{"base64": "…"}` where the bytes are no UTF-8.
    struct Bytes: Encodable {
        var utf8: String?
        var base64: String?

        init(_ bytes: [UInt8]) {
            utf8 = String(validating: bytes, as: UTF8.self)
            base64 = utf8 == nil ? Data(bytes).base64EncodedString() : nil
        }
    }

    struct Whole: Encodable {
        struct Header: Encodable {
            var name: String
            var value: Bytes?
        }

        var letter: Letter
        var key: Bytes?
        var value: Bytes?
        var editedValue: Bytes?
        var headers: [Header]

        init(_ whole: WholeDeadLetter) {
            letter = Letter(whole.row)
            key = whole.key.map(Bytes.init)
            value = whole.original.map(Bytes.init)
            editedValue = whole.edited.map(Bytes.init)
            headers = whole.headers.map { Header(name: $0.name, value: $0.value.map(Bytes.init)) }
        }

        enum Key: String, CodingKey { case key, value, editedValue, headers }

        func encode(to encoder: any Encoder) throws {
            try letter.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(key, forKey: .key)
            try container.encode(value, forKey: .value)
            try container.encodeIfPresent(editedValue, forKey: .editedValue)
            try container.encode(headers, forKey: .headers)
        }
    }

    struct Thing: Encodable {
        var thingId: String
        var stage: String
        var partition: Int32
        var waiting: Int64
        var since: String
        var first: Int64
        var code: String
        var message: String
    }

    struct Listing: Encodable {
        var parkedThings: [Thing]
        var parkedThingsFound: Int64
        var items: [Letter]

        init(_ things: [ParkedThing], _ found: Int64, _ letters: [DeadLetterRow]) {
            parkedThings = things.map { thing in
                Thing(
                    thingId: thing.thing, stage: thing.stage.text, partition: thing.partition, waiting: thing.waiting,
                    since: thing.since.text, first: thing.first, code: thing.code, message: thing.message)
            }
            parkedThingsFound = found
            items = letters.map(Letter.init)
        }
    }

    struct Request: Encodable {
        var id: Int64
        var stage: String
        var partition: Int32
        var action: String
        var state: String
        var resolved: Int64
        var failed: Int64
        var requestedAt: String
        var requestedBy: String?
        var finishedAt: String?

        init(_ request: RedriveProgress) {
            id = request.id
            stage = request.task.stage.text
            partition = request.task.partition
            action = request.action.rawValue
            state = request.isDone ? "done" : "open"
            resolved = request.resolved
            failed = request.failed
            requestedAt = request.requestedAt.text
            requestedBy = request.requestedBy
            finishedAt = request.finishedAt?.text
        }
    }
}
