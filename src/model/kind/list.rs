//! [`ForEach`] and [`Borrowed`]: lists that are read for each object of another kind, and lists with one property of a kind.

use super::Condition;

/// Describes a kind whose list Graph returns only for one object of another kind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForEach {
    /// Name of the other kind; the id of its object takes the place of `{each}` in `filter`.
    pub kind: &'static str,
    /// Condition that selects the objects of the other kind for which the list is read; `None` selects all.
    pub when: Option<Condition>,
    /// Set if Graph creates the list's objects by itself for every object of the other kind.
    pub defaults: Option<Defaults>,
}

/// Describes objects that Graph creates by itself. One that nobody changed is not exported, as most of them are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Property that is null as long as nobody changed the object.
    pub unchanged: &'static str,
    /// Condition on the object of the other kind: where it holds, unchanged objects are exported, too.
    pub unless: Condition,
}

/// Describes a property of the kind that Graph returns only in a separate list. Each entry of that list belongs to one object of
/// the kind. The property is read for information, and never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Borrowed {
    /// Name of the property, in an entry and in the file.
    pub property: &'static str,
    /// Path of the list.
    pub path: &'static str,
    /// The `$filter` without which Graph refuses the list.
    pub filter: Option<&'static str>,
    /// Property of an entry that holds the id of the object it belongs to.
    pub by: &'static str,
    /// Graph's name for the type of an entry.
    pub entity: &'static str,
    /// Relation of an entry whose `$expand` returns the whole object it belongs to: then the objects of the kind are read from
    /// this list, and not from the kind's own. `None` if both lists are read.
    pub object: Option<&'static str>,
}
