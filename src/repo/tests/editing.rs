//! A tree that is edited is the tree that is written anew.

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
    // What somebody else wrote into the folder is neither kept nor dropped silently.
    let link = bench.git_in(&["mktree"], format!("120000 blob {blob}\tlink\n").as_bytes()).trim().parse().unwrap();
    assert!(matches!(
        bench.repo.writer().unwrap().edit(link, &Edits::from([("c".to_owned(), Some(blob))])),
        Err(RepoError::Hostile(_))
    ));
}
