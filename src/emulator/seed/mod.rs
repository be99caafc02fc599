//! What a tenant starts with: a small company that shows everything, or a large one to measure with.
//!
//! Both are the same on every machine and in every run. Their people and their companies are made up.

pub mod contoso;
mod object;
mod random;
mod snapshot;
#[cfg(test)]
mod tests;
mod value;

pub use object::SeedObject;
pub use snapshot::seed as of_snapshot;

/// Contoso: about three hundred objects, every kind among them, and the ordering application of the announcement.
pub fn contoso() -> Vec<SeedObject> {
    contoso::objects()
}

/// A company of `count` objects, made up as they are asked for: nine in ten are people. The same `seed`, the same company.
pub fn random(count: usize, seed: u64) -> impl Iterator<Item = SeedObject> {
    random::objects(count, seed)
}
