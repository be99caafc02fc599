//! Defines `manifest.yaml`: the tenant of a snapshot, how completely it was read, and the id map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::path::Layout;
use super::{emit, yaml};
use crate::model::finding::{Position, Severity};
use crate::model::{CoverageMap, Finding, IdMap, Kind};

/// Version of the repository's format.
pub const FORMAT: u32 = 1;
/// Version of the schemas: the properties that were known. A property that was not known then is unknown, not empty.
pub const SCHEMA: u32 = 1;
const PATH: &str = "manifest.yaml";

/// Holds the content of the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Version of the repository's format.
    pub format: u32,
    /// Version of the schemas.
    pub schema: u32,
    /// Id of the tenant.
    #[serde(default)]
    pub tenant: String,
    /// Coverage of each kind (`group`) and link (`group.members`).
    #[serde(default, skip_serializing_if = "is_coverage_empty")]
    pub coverage: CoverageMap,
    /// Filter that each kind was read through: an object that it hides is not known to be absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, String>,
    /// Layout of each kind that is not flat.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layout: BTreeMap<String, Layout>,
    /// Property paths of each kind that Graph returned and the schema does not know.
    #[serde(rename = "unknown", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_properties: BTreeMap<String, Vec<String>>,
    /// The id map of objects that were created again: old id → new id.
    #[serde(default, skip_serializing_if = "IdMap::is_empty")]
    pub ids: IdMap,
}

fn is_coverage_empty(coverage: &CoverageMap) -> bool {
    coverage.0.is_empty()
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            format: FORMAT,
            schema: SCHEMA,
            tenant: String::new(),
            coverage: CoverageMap::default(),
            filters: BTreeMap::new(),
            layout: BTreeMap::new(),
            unknown_properties: BTreeMap::new(),
            ids: IdMap::default(),
        }
    }
}

impl Manifest {
    /// Records the filters that the kinds in scope were read through. The filter of a kind that was not read completely
    /// stays.
    pub fn record_filters(&mut self, scope: &[&'static Kind], filters: &BTreeMap<&'static str, String>) {
        for kind in scope.iter().filter(|kind| self.coverage.kind(kind.name).is_complete()) {
            match filters.get(kind.name) {
                Some(filter) => drop(self.filters.insert(kind.name.to_owned(), filter.clone())),
                None => drop(self.filters.remove(kind.name)),
            }
        }
    }

    /// Returns the manifest in canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => emit::write(&map, &BTreeMap::new()),
            // Serializing a struct of maps with string keys always gives an object.
            _ => Vec::new(),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Findings, if the manifest is malformed, or of a newer format or newer schemas than this program knows.
    pub fn read(bytes: &[u8]) -> Result<Manifest, Vec<Finding>> {
        let document = yaml::read(PATH, bytes)?;
        let finding = |Position { line, column }: Position, message: String| {
            vec![Finding { path: PATH.to_owned(), line, column, severity: Severity::Error, check: "manifest", message }]
        };
        for (name, known) in [("format", FORMAT), ("schema", SCHEMA)] {
            let found = document.value.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
            if found > u64::from(known) {
                return Err(finding(
                    document.position_of(&format!("/{name}")),
                    format!("this repository has {name} {found}, this program knows {known}; use a newer entragit"),
                ));
            }
        }
        serde_json::from_value(serde_json::Value::Object(document.value.clone())).map_err(|error| {
            finding(
                Position { line: 1, column: 0 },
                format!("{}; take manifest.yaml from the last snapshot", plain(&error.to_string())),
            )
        })
    }
}

/// Escapes control characters, since the error repeats text of the file.
fn plain(text: &str) -> String {
    let escape =
        |letter: char| if letter.is_control() { letter.escape_debug().to_string() } else { letter.to_string() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Coverage;

    #[test]
    fn a_manifest_reads_well_and_comes_back() {
        let mut manifest = Manifest { tenant: "0a".to_owned(), ..Manifest::default() };
        manifest.coverage.set_kind("group", Coverage::Complete);
        manifest.coverage.set_link("group", "members", Coverage::DeniedPermission);
        manifest.layout.insert("user".to_owned(), Layout::Shards256);
        manifest.ids.learn("old", "new");
        let bytes = manifest.to_bytes();
        insta::assert_snapshot!(String::from_utf8_lossy(&bytes), @r#"
        coverage:
          group: complete
          group.members: denied-permission
        format: 1
        ids:
          old: new
        layout:
          user: "256"
        schema: 1
        tenant: "0a"
        "#);
        assert_eq!(Manifest::read(&bytes), Ok(manifest));
    }

    #[test]
    fn what_this_program_does_not_know_is_refused() {
        let said = |text: &str| match Manifest::read(text.as_bytes()) {
            Ok(manifest) => format!("{manifest:?}"),
            Err(found) => found.iter().map(|f| format!("{}: {}", f.line, f.message)).collect::<Vec<_>>().join("\n"),
        };
        insta::assert_snapshot!(said("schema: 1\nformat: 2\nfuture: 1\n"), @r##"2: this repository has format 2, this program knows 1; use a newer entragit"##);
        insta::assert_snapshot!(said("format: 1\nschema: 7\n"), @r##"2: this repository has schema 7, this program knows 1; use a newer entragit"##);
        insta::assert_snapshot!(said("format: 1\nschema: 1\ncoverage:\n  group: most\n"), @r##"1: unknown variant `most`, expected one of `complete`, `partial`, `denied-permission`, `denied-licence`, `failed`, `skipped`; take manifest.yaml from the last snapshot"##);
        insta::assert_snapshot!(said("schema: 1\n"), @r##"1: missing field `format`; take manifest.yaml from the last snapshot"##);
        insta::assert_snapshot!(said("format: 1\nschema: 1\n"), @r##"Manifest { format: 1, schema: 1, tenant: "", coverage: CoverageMap({}), filters: {}, layout: {}, unknown_properties: {}, ids: IdMap { today: {}, olds: {}, circular: {} } }"##);
    }
}
