//! Makes the objects that a tenant starts with: a small company with objects of every sort, or a large one to measure with.
//!
//! Both are the same on every machine and in every run. Their people and their companies are made up.

pub mod contoso;
mod object;
mod plant;
mod random;
mod snapshot;
#[cfg(test)]
mod tests;
mod value;

pub use object::SeedObject;
pub use plant::plant;
pub use snapshot::seed as of_snapshot;

/// Returns Contoso: about three hundred objects, every kind among them, and the ordering application of the announcement.
pub fn contoso() -> Vec<SeedObject> {
    contoso::objects()
}

/// Returns a company of `count` objects, made one by one as they are asked for: nine in ten are people. The same `seed` gives the
/// same company.
pub fn random(count: usize, seed: u64) -> impl Iterator<Item = SeedObject> {
    random::objects(count, seed)
}
