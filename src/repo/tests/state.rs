//! Tests with git that the state is replaced.

use super::Bench;
use crate::repo::STATE;

#[test]
fn state_is_one_commit_that_the_next_replaces() {
    let bench = Bench::bare();
    assert_eq!(bench.repo.state().unwrap(), None);
    bench.repo.set_state(b"{\"at\": 1}", "State\n\nEntragit-Snapshot: 1\n").unwrap();
    assert_eq!(bench.repo.state().unwrap().as_deref(), Some(&b"{\"at\": 1}"[..]));
    let first = bench.git(&["rev-parse", STATE]);
    // The same state is not written again.
    bench.repo.set_state(b"{\"at\": 1}", "State\n").unwrap();
    assert_eq!(bench.git(&["rev-parse", STATE]), first);
    bench.repo.set_state(b"{\"at\": 2}", "State\n").unwrap();
    assert_eq!(bench.git(&["show", &format!("{STATE}:state.json")]), "{\"at\": 2}");
    assert_eq!(bench.git(&["rev-list", "--count", STATE]).trim(), "1");
    assert!(bench.git(&["branch", "--all"]).is_empty());
}
