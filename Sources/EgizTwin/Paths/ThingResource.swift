/// What an event's path names.
enum ThingResource: Sendable {
    case thing
    case policyID
    case definition
    case attributes
    case attribute
    case features
    case feature
    case featureDefinition
    /// All properties of a feature, or all desired ones.
    case properties
    case property
}
