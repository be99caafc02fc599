//! The laws of planning: whatever the tenant and whatever is wanted of it.

#![allow(clippy::unwrap_used)]

mod activations;
mod blaming;
mod guards;
mod harness;
mod killing;
mod matrix;
mod planning;
mod regressions;
mod running;
mod scenario;
mod vouching;
mod watching;
mod world;

use proptest::prelude::ProptestConfig;

/// How many tenants each law is held against: 300 in the gate; `ENTRAGIT_LAWS=10000 cargo test --release --test it laws`
/// for a night.
fn config() -> ProptestConfig {
    let cases = std::env::var("ENTRAGIT_LAWS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
