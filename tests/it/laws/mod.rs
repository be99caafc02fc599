//! The laws of planning: whatever the tenant and whatever is wanted of it.

mod activations;
mod blaming;
mod guards;
mod killing;
mod matrix;
mod planning;
mod regressions;
mod running;
mod scenario;
mod steps;
mod vouching;
mod watching;

use proptest::prelude::ProptestConfig;

use crate::support::long::cases;

/// Returns how many tenants each law is held against: 60, each time others; 300 in the long form; and
/// `ENTRAGIT_LAWS=10000 cargo test --release --test it laws` for a night.
fn config() -> ProptestConfig {
    ProptestConfig { cases: cases(60, 300), failure_persistence: None, ..ProptestConfig::default() }
}
