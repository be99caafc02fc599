//! [`ForEach`] and [`Borrowed`]: lists that are read in a way of their own.

use super::Condition;

/// Describes a list that Graph answers only for one object of another kind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForEach {
    /// Name of the other kind; the id of its object takes the place of `{each}` in `filter`.
    pub kind: &'static str,
    /// Condition for the objects of the other kind to ask about; `None` means all.
    pub when: Option<Condition>,
    /// Objects that are there for every object of the other kind, most of them as Graph made them.
    pub defaults: Option<Defaults>,
}

/// Describes objects that nobody made and few people change: as long as one is as Graph made it, it is not exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Property that is null as long as nobody changed the object.
    pub unchanged: &'static str,
    /// Condition of the object of the other kind under which all is exported.
    pub unless: Condition,
}

/// Describes a property that Graph keeps in a separate list, whose objects belong to objects of the kind. The property is
/// read for information, and never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Borrowed {
    /// Name of the property, in the list and in the file.
    pub property: &'static str,
    /// Path of the list.
    pub path: &'static str,
    /// The `$filter` without which Graph refuses the list.
    pub filter: Option<&'static str>,
    /// Property of the list that holds the id of the object of the kind.
    pub by: &'static str,
    /// Graph's name for the type of the list's objects.
    pub entity: &'static str,
    /// Relation of the list's objects that holds the object of the kind whole, so that this list is read and no other.
    pub object: Option<&'static str>,
}
