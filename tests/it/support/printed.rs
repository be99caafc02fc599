//! Holds every JSON document that a command prints against its schema.

use serde_json::Value;

/// Properties by which a document is told from others, each with the name of the schema.
const TOLD_BY: &[(&str, &str)] = &[
    ("attention", "status"),
    ("findings", "findings"),
    ("history", "life"),
    ("needlessPermissions", "doctor"),
    ("kinds", "kinds"),
    ("object", "object"),
    ("otherEvents", "report"),
    ("permissions", "permissions"),
    ("pullRequest", "proposal"),
    ("recovered", "drill"),
    ("round", "watch"),
    ("snapshots", "log"),
    ("unknownProperties", "export"),
    ("values", "blame"),
    ("verdicts", "plan"),
    ("verification", "apply"),
];

fn schema(name: &str) -> Value {
    let file = format!("{}/schemas/output/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Fails if a document is not as its schema says.
#[track_caller]
pub(crate) fn check(document: &Value) {
    let found = TOLD_BY.iter().find(|(property, _)| document.get(property).is_some());
    let (_, name) = found.unwrap_or_else(|| panic!("no schema is known for {document}"));
    let (report, schema) = (schema("report"), schema(name));
    let registry =
        jsonschema::Registry::new().add("urn:entragit:schema:output/report", &report).unwrap().prepare().unwrap();
    let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

/// A schema that is not listed is held against nothing.
#[test]
fn every_schema_is_listed() {
    let folder = format!("{}/schemas/output", env!("CARGO_MANIFEST_DIR"));
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().replace(".schema.json", ""))
        .collect();
    there.sort();
    let mut listed: Vec<&str> = TOLD_BY.iter().map(|(_, name)| *name).collect();
    listed.sort_unstable();
    assert_eq!(there, listed);
    for name in listed {
        jsonschema::meta::validate(&schema(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
