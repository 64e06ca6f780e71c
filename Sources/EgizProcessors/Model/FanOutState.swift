public import EgizCore
import EgizTwin

/// What a fan-out remembers of a thing: the windows of its features, their last values, and when it is to ask.
public final class FanOutState: ProcessorState {
    public static let version: UInt8 = 1

    /// By the feature's signature.
    var windows: [String: FeatureWindow] = [:]
    /// Values that features had last, where a missing one takes them; by signature.
    var lasts: [String: JSONValue] = [:]
    /// The timer that asks.
    var timer: EventTime?
    /// The record that the next question by time is about.
    var topic = 0
    var offset: Int64 = -1
    /// Found again after a restore.
    var generation = 0
    var isMember = false

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        let parser = JSONParser()
        func value(_ reader: inout StateReader) throws(StateFault) -> JSONValue {
            switch try reader.byte() {
            case 0: return .double(try reader.double())
            case 1: return .int(try reader.int64())
            case 2:
                let bytes = Array(try reader.data())
                do throws(JSONError) { return try parser.parse(bytes) } catch { throw StateFault(error.message) }
            case let kind: throw StateFault("\(kind) is no kind of value")
            }
        }
        for _ in 0..<(try reader.count()) {
            let signature = try reader.text()
            var samples: [FeatureWindow.Sample] = []
            for _ in 0..<(try reader.count()) {
                let time = try reader.int64()
                samples.append(.init(time: time, value: try value(&reader)))
            }
            windows[signature] = FeatureWindow(samples)
        }
        for _ in 0..<(try reader.count()) {
            let signature = try reader.text()
            lasts[signature] = try value(&reader)
        }
        if try reader.bool() { timer = EventTime(microseconds: try reader.int64()) }
        offset = try reader.int64()
        topic = try reader.count()
    }

    public func encode(into writer: inout StateWriter) {
        func write(_ value: JSONValue, _ writer: inout StateWriter) {
            switch value {
            case .double(let number):
                writer.write(UInt8(0))
                writer.write(number)
            case .int(let number):
                writer.write(UInt8(1))
                writer.write(number)
            default:
                writer.write(UInt8(2))
                var bytes: [UInt8] = []
                value.write(into: &bytes)
                writer.write(bytes)
            }
        }
        // By name: equal states have equal bytes.
        let kept = windows.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        writer.write(count: kept.count)
        for (signature, window) in kept {
            writer.write(signature)
            writer.write(count: window.samples.count)
            for sample in window.samples {
                writer.write(sample.time)
                write(sample.value, &writer)
            }
        }
        writer.write(count: lasts.count)
        for (signature, value) in lasts.sorted(by: { $0.key < $1.key }) {
            writer.write(signature)
            write(value, &writer)
        }
        writer.write(timer != nil)
        if let timer { writer.write(timer.microseconds) }
        writer.write(offset)
        writer.write(count: topic)
    }

    public func copy() -> FanOutState {
        let copy = FanOutState()
        (copy.windows, copy.lasts, copy.timer, copy.topic, copy.offset) = (windows, lasts, timer, topic, offset)
        (copy.generation, copy.isMember) = (generation, isMember)
        return copy
    }

    public var isEmpty: Bool { timer == nil && lasts.isEmpty && windows.values.allSatisfy(\.isEmpty) }

    /// The thing is gone, or no longer one of the task's. The timer stays: it finds nothing to ask.
    func forget() {
        windows = [:]
        lasts = [:]
        offset = -1
    }
}
