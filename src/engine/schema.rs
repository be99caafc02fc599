//! Compiled schemas: what each property of a kind means.

use crate::model::Kind;

/// A kind's schema, compiled once.
#[derive(Debug)]
pub struct Schema {
    selected: Vec<String>,
}

/// The compiled schema of a kind.
pub fn of(kind: &'static Kind) -> &'static Schema {
    unimplemented!("{}", kind.name)
}

impl Schema {
    /// Names of the properties that an export reads, for `$select`: everything but links, secrets, what Graph owns and
    /// nobody keeps, and what is left out on purpose. Sorted.
    pub fn selected(&self) -> &[String] {
        &self.selected
    }
}
