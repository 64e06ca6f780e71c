import CRdkafka
import EgizCore
import EgizTwin

extension KafkaClient {
    /// One `rd_kafka_produceva`. Returns librdkafka's error, which the caller destroys.
    ///
    /// `egizID` becomes a header more; `tag` comes back in the record's delivery report.
    func produce(
        _ topic: OpaquePointer, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [DeadLetter.Header],
        egizID: String? = nil, milliseconds: Int64?, tag: UnsafeMutableRawPointer? = nil
    ) -> OpaquePointer? {
        // Headers belong to the message once it is accepted, and to us where it is not.
        let headerList = headers.isEmpty && egizID == nil ? nil : Self.makeHeaders(headers, egizID: egizID)
        let error = Self.withBytes(key) { key in
            Self.withBytes(value) { value in
                withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { parts in
                    var count = 0
                    func add(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
                        var part = rd_kafka_vu_t()
                        part.vtype = type
                        fill(&part)
                        parts.initializeElement(at: count, to: part)
                        count += 1
                    }
                    add(RD_KAFKA_VTYPE_RKT) { $0.u.rkt = topic }
                    add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
                    if let partition { add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition } }
                    add(RD_KAFKA_VTYPE_KEY) { ($0.u.mem.ptr, $0.u.mem.size) = key }
                    add(RD_KAFKA_VTYPE_VALUE) { ($0.u.mem.ptr, $0.u.mem.size) = value }
                    if let milliseconds { add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = milliseconds } }
                    if let tag { add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = tag } }
                    if let headerList { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headerList } }
                    return rd_kafka_produceva(raw, parts.baseAddress, count)
                }
            }
        }
        if error != nil, let headerList { rd_kafka_headers_destroy(headerList) }
        return error
    }

    private static func makeHeaders(_ headers: [DeadLetter.Header], egizID: String?) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count + 1)
        for header in headers {
            withBytes(header.value) { value in
                _ = rd_kafka_header_add(list, header.name, -1, value.pointer, value.count)
            }
        }
        if var egizID {
            egizID.withUTF8 { _ = rd_kafka_header_add(list, "egiz-id", -1, $0.baseAddress, $0.count) }
        }
        return list
    }

    /// nil stays a null pointer; no bytes become a pointer to nothing, so that a tombstone and an empty value differ.
    private static func withBytes<R>(
        _ bytes: [UInt8]?, _ body: ((pointer: UnsafeMutableRawPointer?, count: Int)) -> R
    ) -> R {
        guard let bytes else { return body((nil, 0)) }
        if bytes.isEmpty {
            var nothing: UInt8 = 0
            return withUnsafeMutableBytes(of: &nothing) { body(($0.baseAddress, 0)) }
        }
        return bytes.withUnsafeBytes { body((UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)) }
    }
}
