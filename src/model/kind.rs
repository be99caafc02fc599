//! [`Kind`]: how Graph serves one type of directory object, as data.
//!
//! What an object's *fields* mean stands in its JSON Schema; how Graph *serves* it stands here. Every field is a closed
//! enum or a constant, never a closure, so that the exporter, the planner, the embedded tenant, the permission table and
//! the help can all read the same table.

/// One type of directory object.
#[derive(Debug)]
pub struct Kind {
    /// What one is called, as in `conditionalAccessPolicy`: Graph's own type name without prefixes that tell nothing. The
    /// word people type after `--kind`.
    pub name: &'static str,
    /// Graph's own type name, without its namespace.
    pub entity: &'static str,
    /// What people call several of them, as in `Conditional Access policies`.
    pub title: &'static str,
    /// Folder in the tenant repository; for a singleton the file without `.yaml`.
    pub folder: &'static str,
    /// The text of the kind's JSON Schema.
    pub schema: &'static str,
    /// Which version of Graph serves it.
    pub api: Api,
    /// Path below the version: the collection's, or the singleton's.
    pub path: &'static str,
    /// A collection or one object per tenant.
    pub shape: Shape,
    /// What the file is called.
    pub naming: Naming,
    /// Properties by which people take one for another that they made anew by hand; none where they cannot.
    pub natural: &'static [&'static str],
    /// Properties that say which objects it is about, where it has no name of its own.
    pub about: &'static [&'static str],
    /// The `$filter` without which Graph refuses the list.
    pub filter: Option<&'static str>,
    /// `$top` to ask for; `None` where Graph does not document one.
    pub page_size: Option<u16>,
    /// Whether `$select` must name the properties, because Graph leaves some out without it.
    pub select: Select,
    /// How one comes into being.
    pub creation: Creation,
    /// Which properties PATCH takes; nothing: a changed object is made anew, and the old one deleted.
    pub update: Updates,
    /// What happens when one is deleted.
    pub deletion: Deletion,
    /// Relations kept apart from properties in Graph.
    pub links: &'static [Link],
    /// Properties that Graph keeps in a list of its own.
    pub borrowed: &'static [Borrowed],
    /// Properties that PATCH refuses and an action sets.
    pub calls: &'static [Call],
    /// Objects of this type that are reported under a name of their own.
    pub variants: &'static [Variant],
    /// What makes an object one that Graph only shows, because another directory owns it.
    pub owned_elsewhere: Option<Elsewhere>,
    /// Path of the delta function, where the type has one.
    pub delta: Option<&'static str>,
    /// Application permissions.
    pub permissions: Permissions,
    /// Microsoft's page that the above was taken from.
    pub docs: &'static str,
}

/// Version of Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v1.0`
    V1,
    /// `/beta`
    Beta,
}

impl Api {
    /// The path segment with its slash: `/v1.0` or `/beta`.
    pub const fn segment(self) -> &'static str {
        match self {
            Api::V1 => "/v1.0",
            Api::Beta => "/beta",
        }
    }
}

/// A collection or a single object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Many objects below one path.
    Collection,
    /// One object per tenant; its id is a constant word.
    Singleton,
}

/// How a file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The id only: people, so that no name is in a path.
    Id,
    /// A readable slug, then the id.
    Slug,
    /// The folder is the file: a singleton.
    Fixed,
}

/// Whether `$select` is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// Graph returns all we want by itself.
    Default,
    /// Every exported property of the schema is named.
    Explicit,
}

/// How an object is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// POST to the collection.
    Post {
        /// Which properties the POST takes; the rest follows by PATCH.
        accepts: Accepts,
        /// Values that Graph demands and nobody can export.
        generates: &'static [Generated],
        /// What whoever approves a creation should know, in one clause.
        note: Option<&'static str>,
    },
    /// It cannot be created through Graph.
    Never {
        /// Why, in one clause.
        reason: &'static str,
    },
}

/// What a POST takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// All writable properties.
    All,
    /// Only these.
    Only(&'static [&'static str]),
}

/// A value made up at creation, never stored, never printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// `passwordProfile` with a random password that must be changed at the next sign-in.
    PasswordProfile,
}

/// What deletion does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Into a recycle bin, for 30 days.
    Soft {
        /// Path that lists deleted objects of this type.
        list: &'static str,
        /// Path below which `/{id}`, `/{id}/restore` live.
        item: &'static str,
    },
    /// Gone at once.
    Hard,
    /// There is always one.
    Never,
}

/// A relation that Graph keeps apart from an object's properties.
#[derive(Debug)]
pub struct Link {
    /// Navigation property, and the key it has in the file.
    pub name: &'static str,
    /// What the relation holds.
    pub shape: LinkShape,
    /// How it is read.
    pub read: LinkRead,
    /// When an object has no such relation of its own.
    pub absent: Option<Condition>,
    /// Application permissions, where they differ from the kind's.
    pub permissions: Option<Permissions>,
}

/// What a relation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkShape {
    /// A set of ids: `POST {path}/{id}/{name}/$ref`, `DELETE {path}/{id}/{name}/{target}/$ref`.
    References,
    /// At most one id: `PUT` and `DELETE {path}/{id}/{name}/$ref`.
    Reference,
    /// Small objects that live with their parent, told apart by a natural key.
    Children(Children),
}

/// Small objects that live with their parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Children {
    /// Properties that tell one from another.
    pub key: &'static [&'static str],
    /// Path to POST to, with `{parent}`; `None` where none can be made.
    pub create: Option<&'static str>,
    /// Path of one, with `{parent}` and `{child}` (the child's own Graph id).
    pub item: &'static str,
    /// Which properties PATCH takes; empty: a change is a delete and a create.
    pub update: Updates,
    /// Whether DELETE takes one away.
    pub delete: bool,
    /// The child's property that holds the parent's id: left out of the file, sent at creation.
    pub owner: Option<&'static str>,
    /// Whether the child's own id is a constant that belongs in the file.
    pub keeps_id: bool,
}

/// What PATCH takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// Nothing: replace it.
    Nothing,
    /// Only these properties.
    Only(&'static [&'static str]),
    /// Every writable property.
    All,
}

/// How a relation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRead {
    /// `GET {path}/{id}/{name}` for each object, in batches.
    Each,
    /// `$expand={name}` on the list: single-valued relations, of which the id is enough, and children. Graph truncates
    /// other relations between directory objects at 20.
    Expand,
    /// One list for the whole tenant, joined by this property with the parent's id.
    Joined {
        /// The list's path.
        path: &'static str,
        /// The child's property that names its parent.
        by: &'static str,
    },
    /// It is part of the parent's own reply.
    Inline,
}

/// A property that Graph keeps in a list of its own: which object of that list belongs to which object of the kind. It is
/// read for information, and never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Borrowed {
    /// The property's name, in the list and in the file.
    pub property: &'static str,
    /// The list's path.
    pub path: &'static str,
    /// The `$filter` without which Graph refuses the list.
    pub filter: Option<&'static str>,
    /// The list's property that holds the id of the object of the kind.
    pub by: &'static str,
    /// Graph's name for the type of the list's objects.
    pub entity: &'static str,
}

/// A condition over an object's own properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The list `property` contains `value`.
    Lists {
        /// A list property.
        property: &'static str,
        /// The element to look for.
        value: &'static str,
    },
    /// `property` equals `value`.
    Is {
        /// A string property.
        property: &'static str,
        /// Its value.
        value: &'static str,
    },
    /// The flag `property` is set.
    Flag {
        /// A boolean property.
        property: &'static str,
    },
    /// The flag `property` is set, and the list `but` does not contain `value`.
    FlagUnlessListed {
        /// A boolean property.
        property: &'static str,
        /// A list property.
        but: &'static str,
        /// The element to look for.
        value: &'static str,
    },
}

/// A property that PATCH refuses and an action sets: `POST {path}/{id}/{action}` with `{property: value}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The property.
    pub property: &'static str,
    /// The action's name.
    pub action: &'static str,
}

/// Objects that another directory owns: Graph refuses changes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// What makes an object one of them.
    pub when: Condition,
    /// Who owns it and what to do, in one clause.
    pub reason: &'static str,
}

/// Objects of a type that go by a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// The name, as in `managedIdentity`.
    pub name: &'static str,
    /// What people call several of them.
    pub title: &'static str,
    /// What makes an object one of them.
    pub when: Condition,
    /// `Some(reason)` if Graph cannot create them.
    pub not_creatable: Option<&'static str>,
}

/// Application permissions, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// To read it.
    pub read: &'static [&'static str],
    /// To write it.
    pub write: &'static [&'static str],
}

impl Kind {
    /// The link called `name`, if the kind has one.
    pub fn link(&self, name: &str) -> Option<&'static Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The action that sets `property`, if PATCH does not.
    pub fn call(&self, property: &str) -> Option<&'static Call> {
        self.calls.iter().find(|call| call.property == property)
    }

    /// The ids of the objects that an object of this kind is about.
    pub fn about(&self, properties: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
        let ids = self.about.iter().filter_map(|name| properties.get(*name)?.as_str());
        ids.map(str::to_owned).collect()
    }

    /// Whether there is always exactly one.
    pub fn is_singleton(&self) -> bool {
        self.shape == Shape::Singleton
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl Condition {
    /// Whether `properties` meet the condition.
    pub fn holds(&self, properties: &serde_json::Map<String, serde_json::Value>) -> bool {
        match *self {
            Condition::Lists { property, value } => properties
                .get(property)
                .and_then(|list| list.as_array())
                .is_some_and(|list| list.iter().any(|element| element.as_str() == Some(value))),
            Condition::Is { property, value } => properties.get(property).and_then(|v| v.as_str()) == Some(value),
            Condition::Flag { property } => properties.get(property).and_then(|flag| flag.as_bool()) == Some(true),
            Condition::FlagUnlessListed { property, but, value } => {
                Condition::Flag { property }.holds(properties)
                    && !Condition::Lists { property: but, value }.holds(properties)
            }
        }
    }
}
