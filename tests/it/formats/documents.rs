//! Documents that are made of the registry of kinds are as the registry is. `ENTRAGIT_UPDATE=1 cargo test documents` makes
//! them anew.

#[path = "../../../examples/coverage.rs"]
mod coverage;

use entragit::engine::render::kinds::table;
use entragit::kinds;

const BEGIN: &str = "<!-- kinds: made by ENTRAGIT_UPDATE=1 cargo test documents -->\n";
const END: &str = "<!-- /kinds -->";

fn holds(path: &str, wanted: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("ENTRAGIT_UPDATE").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} is not up to date: ENTRAGIT_UPDATE=1 cargo test documents", path.display());
}

#[test]
fn coverage_is_up_to_date() {
    holds("examples/coverage.md", &coverage::document());
}

#[test]
fn the_table_of_kinds_is_up_to_date() {
    let readme = include_str!("../../../README.md");
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    holds("README.md", &format!("{before}{BEGIN}{}{END}{after}", table(kinds::ALL)));
}
