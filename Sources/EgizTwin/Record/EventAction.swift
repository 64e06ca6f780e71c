/// What happened to the resource.
enum EventAction: String, Sendable {
    case created, modified, merged, deleted, migrated

    /// Whether Ditto has this event for a resource.
    func exists(for resource: ThingResource) -> Bool {
        switch resource {
        case .thing: true
        case .policyID: self == .modified || self == .merged
        case .definition, .attributes, .attribute, .features, .feature, .featureDefinition, .properties, .property:
            self != .migrated
        }
    }
}
