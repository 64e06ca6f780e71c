import CRdkafka

/// What the opaque pointer of a handle points to: everything its callbacks may need.
///
/// `KafkaClient` retains it until the handle is destroyed. Callbacks run on different threads, so each touches one member:
/// log and error callbacks `events` (thread-safe), the rebalance callback `rebalance` (the polling thread alone),
/// delivery reports `deliveries` (whoever polls).
final class CallbackContext {
    let events: ClientEvents
    let rebalance: RebalanceContext?
    let deliveries: (any DeliveryReceiver)?

    init(events: ClientEvents, rebalance: RebalanceContext? = nil, deliveries: (any DeliveryReceiver)? = nil) {
        self.events = events
        self.rebalance = rebalance
        self.deliveries = deliveries
    }

    static func of(_ opaque: UnsafeMutableRawPointer?) -> CallbackContext? {
        opaque.map { Unmanaged<CallbackContext>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Registers the callbacks that this context serves.
    func register(in config: borrowing ConfigHandle) {
        rd_kafka_conf_set_opaque(config.raw, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_log_cb(config.raw) { handle, level, facility, text in
            guard let handle, let context = CallbackContext.of(rd_kafka_opaque(handle)) else { return }
            context.events.receiveLog(
                level: level, facility: facility.map { String(cString: $0) } ?? "",
                text: text.map { String(cString: $0) } ?? "")
        }
        rd_kafka_conf_set_error_cb(config.raw) { handle, code, reason, opaque in
            guard let handle, let context = CallbackContext.of(opaque) else { return }
            context.events.receiveError(
                rd_kafka_resp_err_t(code), reason.map { String(cString: $0) } ?? "", handle: handle)
        }
        if rebalance != nil {
            rd_kafka_conf_set_rebalance_cb(config.raw) { handle, code, list, opaque in
                guard let handle, let rebalance = CallbackContext.of(opaque)?.rebalance else { return }
                rebalance.handle(code, list: list, handle: handle)
            }
        }
        if deliveries != nil {
            rd_kafka_conf_set_dr_msg_cb(config.raw) { _, message, opaque in
                guard let message, let deliveries = CallbackContext.of(opaque)?.deliveries else { return }
                deliveries.receive(message.pointee)
            }
        }
    }
}
