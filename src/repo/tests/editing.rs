//! Tests that editing a tree gives the same tree as writing it anew.

use proptest::prelude::*;

use super::*;
use crate::repo::{Edits, RepoError};

const PATHS: &[&str] = &[
    "a.b",
    "a/x",
    "a-b",
    "a0",
    "a!/b/c",
    "a/x.y/z",
    "a/x-",
    "b",
    "users/3f/3f9a.yaml",
    "users/3f.yaml",
    "é/ü.yaml",
    "z",
];

fn files() -> impl Strategy<Value = BTreeMap<String, u8>> {
    let one = proptest::sample::select(PATHS).prop_map(str::to_owned);
    proptest::collection::btree_map(one, 0_u8..3, 0..PATHS.len())
}

fn edits(before: &BTreeMap<String, ObjectId>, after: &BTreeMap<String, ObjectId>) -> Edits {
    let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| (path.clone(), None));
    let new = after.iter().filter(|(path, blob)| before.get(*path) != Some(blob));
    gone.chain(new.map(|(path, blob)| (path.clone(), Some(*blob)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_tree_is_the_tree_that_is_written_anew(before in files(), after in files()) {
        let bench = Bench::bare();
        let write = |files: &BTreeMap<String, u8>| {
            let mut writer = bench.repo.writer().unwrap();
            let files: BTreeMap<String, ObjectId> =
                files.iter().map(|(path, text)| (path.clone(), writer.put(&[*text][..]).unwrap())).collect();
            (writer.finish(&files).unwrap(), files)
        };
        let ((old, before), (new, after)) = (write(&before), write(&after));
        prop_assert_eq!(bench.repo.writer().unwrap().edit(old, &edits(&before, &after)).unwrap(), new);
    }
}

#[test]
fn what_cannot_be_in_a_tree_is_refused() {
    let bench = Bench::bare();
    let tree = bench.tree(&[("a/x", "1"), ("b", "2")]);
    let blob = blob_id(b"2");
    let edit = |path: &str, blob| bench.repo.writer().unwrap().edit(tree, &Edits::from([(path.to_owned(), blob)]));
    for path in ["../b", "a//x", ".git/config", "b/c"] {
        assert!(matches!(edit(path, Some(blob)), Err(RepoError::Hostile(_))), "{path}");
    }
    assert!(matches!(edit("c", Some(blob_id(b"nowhere"))), Err(RepoError::Missing { .. })));
    assert_eq!(edit("c", None).unwrap(), tree, "what is not there is gone already");
    // Files that somebody else wrote into the folder stay.
    let link = bench.git_in(&["mktree"], format!("120000 blob {blob}\tlink\n").as_bytes()).trim().parse().unwrap();
    let edited = bench.repo.writer().unwrap().edit(link, &Edits::from([("c".to_owned(), Some(blob))])).unwrap();
    assert_eq!(
        bench.git(&["ls-tree", &edited.to_string()]),
        format!("100644 blob {blob}\tc\n120000 blob {blob}\tlink")
    );
}

/// Checks that both ways of writing a tree keep executables, links and submodules as in the commit that they are kept from.
#[test]
fn what_is_unusual_is_kept() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"2");
    let module = "1".repeat(40);
    let commit = |lines: &str| -> ObjectId {
        let tree = bench.git_in(&["mktree", "--missing"], lines.as_bytes());
        bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap()
    };
    let old = commit(&format!("120000 blob {blob}\tgone\n100755 blob {blob}\tplain\n100755 blob {blob}\tremoved\n"));
    let kept = commit(&format!(
        "100755 blob {blob}\tadded\n100755 blob {blob}\tbit\n120000 blob {blob}\tlink\n160000 commit {module}\tmodule\n\
         120000 blob {blob}\tto-file\n120000 blob {blob}\tto-folder\n"
    ));
    let files: BTreeMap<String, ObjectId> =
        ["added", "bit", "plain", "to-file", "to-folder/x"].map(|path| (path.to_owned(), blob.parse().unwrap())).into();
    let mut writer = bench.repo.writer().unwrap();
    writer.keep_unusual(kept).unwrap();
    let written = writer.finish(&files).unwrap();
    assert_eq!(
        bench.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", &written.to_string()]),
        "100755 added\n100755 bit\n120000 link\n160000 module\n100644 plain\n100644 to-file\n100644 to-folder/x"
    );
    let base = bench.tree(&[("bit", "2"), ("plain", "2")]);
    for base in [base, bench.repo.commit(old).unwrap().tree, bench.repo.commit(kept).unwrap().tree] {
        let mut edits: Edits = files.iter().map(|(path, blob)| (path.clone(), Some(*blob))).collect();
        edits.insert("removed".into(), None);
        let mut writer = bench.repo.writer().unwrap();
        writer.keep_unusual(kept).unwrap();
        assert_eq!(writer.edit(base, &edits).unwrap(), written);
    }
}
