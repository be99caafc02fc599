//! How fast a large tenant is. Run by hand: `cargo test --release --test it speed -- --ignored`.

use std::time::Instant;

use entragit::emulator::{Options, Seed};

use crate::support::graph::*;

#[tokio::test]
#[ignore = "a measurement, for release builds"]
async fn a_hundred_thousand_users_are_listed_quickly() {
    let count = 100_000;
    let begun = Instant::now();
    let graph = Graph::with(Options { seed: Seed::Random(count), ..Options::default() }).await;
    let started = begun.elapsed();
    let begun = Instant::now();
    let (mut seen, mut next) =
        (0, "/v1.0/users?$select=id,displayName,userPrincipalName,department,jobTitle&$top=999".to_owned());
    loop {
        let page = graph.ok(&next).await;
        seen += page["value"].as_array().map_or(0, Vec::len);
        match page["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    let listed = begun.elapsed();
    assert!(seen >= count / 2);
    assert!(started.as_secs() < 10, "started in {started:?}");
    assert!(listed.as_secs() < 5, "listed {seen} in {listed:?}");
}
