import EgizCore
import EgizTwin

/// The yardstick's events in one piece of memory: `rounds` events of each thing, the first of which creates it.
struct EventLog {
    private struct Place {
        var key: Int
        var value: Int
        var end: Int
    }

    private static let paths = 5
    private static let time = EventTime(microseconds: 1_772_431_300_000_000)

    /// Lives as long as the program. 64 bytes follow the last event.
    private let bytes: UnsafeMutableRawPointer
    private var places: [Place] = []
    var count: Int { places.count }

    init(things: Int, rounds: Int, format: RecordFormat) {
        var data: [UInt8] = []
        var seed: UInt32 = 1
        for round in 0..<rounds {
            for thing in 0..<things {
                seed = seed &* 1_103_515_245 &+ 12_345
                let number = "\(20 + (seed >> 16) % 60).\(Self.padded(Int((seed >> 8) % 100), 2))"
                let name = "filler-" + Self.padded(thing, 6)
                let start = data.count
                data += "org.acme.filling:\(name)".utf8
                let middle = data.count
                data += Self.event(name, round, number, format).utf8
                places.append(Place(key: start, value: middle, end: data.count))
            }
        }
        bytes = .allocate(byteCount: data.count + 64, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: data.count + 64)
        data.withUnsafeBytes { if let base = $0.baseAddress { bytes.copyMemory(from: base, byteCount: $0.count) } }
    }

    @inline(__always)
    subscript(index: Int) -> RawRecord {
        let place = places[index]
        return RawRecord(
            topic: 0, partition: 0, offset: Int64(index), timestamp: Self.time,
            key: UnsafeRawBufferPointer(start: bytes + place.key, count: place.value - place.key),
            value: UnsafeRawBufferPointer(start: bytes + place.value, count: place.end - place.value))
    }

    private static func event(_ name: String, _ round: Int, _ number: String, _ format: RecordFormat) -> String {
        let id = "org.acme.filling:\(name)"
        let clock = [round / 6000, round / 100].map { padded($0 % 60, 2) }
        let time = "2026-03-02T06:\(clock[0]):\(clock[1]).\(padded(round % 100 * 10, 3))Z"
        let topic = "org.acme.filling/\(name)/things/twin/events"
        let feature = "f\(round % paths)"
        switch format {
        case .telemetry:
            return #"{"thingId":"\#(id)","timestamp":"\#(time)","features":{"\#(feature)":{"temperature":\#(number)}}}"#
        case _ where round == 0:
            return #"{"topic":"\#(topic)/created","headers":{},"path":"/","value":{"thingId":"\#(id)"},"#
                + #""revision":1,"timestamp":"\#(time)"}"#
        default:
            return #"{"topic":"\#(topic)/modified","headers":{"correlation-id":"c-\#(round)","#
                + #""content-type":"application/json"},"path":"/features/\#(feature)/properties/temperature","#
                + #""value":\#(number),"revision":\#(round + 1),"timestamp":"\#(time)"}"#
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
