//! The examples are what this version writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use entragit::engine::normalize::normalize;
use entragit::engine::validate::{Context, File, validate};
use entragit::format::path::address_of;
use entragit::format::settings::Settings;
use entragit::format::{emit, yaml};
use entragit::model::{CoverageMap, IdMap};

#[test]
fn every_example_is_valid_and_canonical() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso");
    let mut found = 0;
    for entry in walkdir::WalkDir::new(&root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let path = entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let bytes = std::fs::read(entry.path()).unwrap();
        found += 1;
        if path == "entragit.yaml" {
            Settings::parse(&path, &bytes).unwrap();
            continue;
        }
        let document = yaml::read(&path, &bytes).unwrap_or_else(|findings| panic!("{findings:?}"));
        let (kind, id) = address_of(&path).unwrap_or_else(|problem| panic!("{path}: {problem}"));
        let position_of = |pointer: &str| document.position_of(pointer);
        let file = File { path: &path, kind, path_id: Some(&id), value: &document.value, position_of: &position_of };
        let context = Context {
            addresses: &BTreeSet::new(),
            coverage: &CoverageMap::default(),
            unknown: &BTreeMap::new(),
            had: &|_, _| false,
            written: &|_| false,
            before: &|_| Vec::new(),
            id_of: &|_, _| None,
            ids: &IdMap::default(),
            taken: &BTreeMap::new(),
        };
        assert_eq!(validate(&[file], &context), []);
        assert_eq!(normalize(kind, document.value.clone()).object.0, document.value, "{path} is normalized");
        // Comments are for the reader; without them the bytes are those that are written.
        let plain: Vec<String> = String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| line.split("  # ").next().unwrap_or(line).to_owned())
            .collect();
        let written = emit::write(&document.value, &BTreeMap::new());
        assert_eq!(String::from_utf8_lossy(&written).lines().collect::<Vec<_>>(), plain, "{path}");
    }
    assert!(found >= 8, "{found} files");
}
