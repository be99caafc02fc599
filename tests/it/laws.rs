//! The laws of planning: whatever the tenant and whatever is wanted of it.

#![allow(clippy::unwrap_used)]

mod blaming;
mod guards;
mod harness;
mod planning;
mod regressions;
mod running;
mod scenario;
mod watching;
mod world;
