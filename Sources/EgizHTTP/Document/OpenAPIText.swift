// swift-format-ignore-file
// Made from Schemas/openapi.yaml: EGIZ_REGENERATE=1 swift test --filter OpenAPITests

/// The document of the API as JSON.
enum OpenAPIText {
    static let json = ####"{}"####
}
