//! [`Link`]: relations of an object, and small objects (children) that live with their parent.

use serde_json::Value;

use super::{Api, Condition, Permissions, Updates};

/// Describes a relation that Graph keeps apart from an object's properties.
#[derive(Debug)]
pub struct Link {
    /// Name of the navigation property, and of the key in the file.
    pub name: &'static str,
    /// Path below the object, where it differs from the name: `branding/localizations`.
    pub at: Option<&'static str>,
    /// Navigation properties of children that Graph returns only if `$expand` names them.
    pub expand: &'static [&'static str],
    /// Collection in the `@odata.id` of a reference, before the target's id.
    pub to: &'static str,
    /// Relations at the targets by which the references are written: `POST {target}/{id}/{relation}/$ref`. One entry for
    /// each kind of target.
    pub ends: &'static [End],
    /// True if a target has at most one such relation: it is removed from one object before it is added to another.
    pub exclusive: bool,
    /// Name of a kind: Graph refuses to remove the last target of this kind, as a group's last owner who is a user.
    pub last: Option<&'static str>,
    /// Contents of the relation.
    pub shape: LinkShape,
    /// Request that reads the relation.
    pub read: LinkRead,
    /// Version of Graph that the relation is read from, and that children are written in, where the kind's own version
    /// leaves some of it out.
    pub api: Option<Api>,
    /// True if the list of children takes the kind's `$top`.
    pub takes_top: bool,
    /// Condition under which an object has no such relation of its own.
    pub absent: Option<Condition>,
    /// Objects whose relation Graph shows only to sign-ins with a further permission.
    pub hidden: Option<Hidden>,
    /// Application permissions, where they differ from those of the kind.
    pub permissions: Option<Permissions>,
}

/// Describes objects whose relation Graph shows only to sign-ins with a further permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hidden {
    /// Condition that marks the objects.
    pub when: Condition,
    /// Permission that shows the relation.
    pub permission: &'static str,
}

/// Lists the contents that a relation can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkShape {
    /// A set of ids: `POST {path}/{id}/{name}/$ref`, `DELETE {path}/{id}/{name}/{target}/$ref`.
    References,
    /// At most one id: `PUT` and `DELETE {path}/{id}/{name}/$ref`.
    Reference,
    /// Small objects that live with their parent, told apart by a natural key.
    Children(Children),
}

/// Describes the other end of a relation that Graph writes at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Kind of the target.
    pub kind: &'static str,
    /// Navigation property of the target.
    pub relation: &'static str,
}

/// Describes small objects that live with their parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Children {
    /// Natural key, which tells one child from another: properties, or paths as `role/originId`.
    pub key: &'static [&'static str],
    /// True if there is at most one child: the file holds an object, not a list.
    pub single: bool,
    /// Path to POST to, with `{parent}`; `None` where no child can be created, or where PUT to `item` creates it (`update`
    /// is then [`Updates::Replace`]).
    pub create: Option<&'static str>,
    /// Path of one child, with `{parent}` and `{child}` (the child's own Graph id). The path of a single child has no `{child}`.
    pub item: &'static str,
    /// Properties that PATCH takes; if there are none, a change is a delete and a create.
    pub update: Updates,
    /// True if DELETE removes a child.
    pub delete: bool,
    /// Property of the child that holds the parent's id: left out of the file, sent at creation.
    pub owner: Option<&'static str>,
    /// True if the child's own id is a constant that belongs in the file.
    pub keeps_id: bool,
    /// Property whose value Graph prefixes with `extension_` and the application's id at creation: POST takes the value
    /// without that prefix.
    pub prefixed: Option<&'static str>,
    /// Requests that add and remove children, if Graph wants them: they are posted to `create`, and `item` is only read.
    pub requests: Option<&'static ChildRequests>,
    /// Object within the child whose id is looked up before a write, since no file holds it.
    pub finds: Option<&'static Find>,
    /// Hint for whoever approves the creation of a child, in one clause.
    pub note: Option<&'static str>,
}

/// Describes requests that add and remove children: `POST {create}` with the action, the child, and the parent's id.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildRequests {
    /// Graph's name for the type of a request.
    pub entity: &'static str,
    /// Property of the request that holds the child.
    pub child: &'static str,
    /// Property of the request that holds the parent.
    pub parent: &'static str,
}

/// Describes an object within a child whose id changes whenever it is created again. Before a write it is looked up in a list by
/// a property that never changes, and its present id is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Find {
    /// Location of the object in the child: a JSON pointer.
    pub at: &'static str,
    /// Property of the object that identifies it and never changes.
    pub by: &'static str,
    /// Path of the list that contains the object, with `{of}`.
    pub list: &'static str,
    /// Location in the parent of the id that replaces `{of}` in `list`: a JSON pointer.
    pub of: &'static str,
}

/// Lists the requests by which a relation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRead {
    /// `GET {path}/{id}/{name}` for each object, in batches.
    Each,
    /// `$expand={name}` on the list: single-valued relations, of which the id is enough, and children. Graph truncates
    /// other relations between directory objects at 20.
    Expand,
    /// One list for the whole tenant, joined by this property with the parent's id.
    Joined {
        /// Path of the list.
        path: &'static str,
        /// Property of the child that names its parent.
        by: &'static str,
    },
    /// The relation is part of the parent's own reply.
    Inline,
}

impl Link {
    /// Default values of a link: a set of directory objects, read for each object.
    pub const COMMON: Link = Link {
        name: "",
        at: None,
        expand: &[],
        to: "/directoryObjects",
        ends: &[],
        exclusive: false,
        last: None,
        shape: LinkShape::References,
        read: LinkRead::Each,
        api: None,
        takes_top: false,
        absent: None,
        hidden: None,
        permissions: None,
    };

    /// Returns the path below the object.
    pub fn segment(&self) -> &'static str {
        self.at.unwrap_or(self.name)
    }

    /// Returns true if any part of the relation can be written.
    pub fn is_written(&self) -> bool {
        match &self.shape {
            LinkShape::References | LinkShape::Reference => true,
            LinkShape::Children(children) => {
                children.creatable() || children.delete || children.update != Updates::Nothing
            }
        }
    }

    /// Returns the description of the children, if the relation holds children.
    pub fn children(&self) -> Option<&Children> {
        match &self.shape {
            LinkShape::Children(children) => Some(children),
            LinkShape::References | LinkShape::Reference => None,
        }
    }
}

/// Returns the text of one part of a natural key.
fn key_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(elements) => {
            let mut texts: Vec<String> = elements.iter().map(key_text).collect();
            texts.sort();
            texts.join(" ")
        }
        Value::Null | Value::Object(_) => String::new(),
    }
}

impl Children {
    /// Returns the natural key of a child; `at` returns the child's value at a JSON pointer. A part without a value is empty, and
    /// the order of a list does not matter. Objects count as empty, since Graph returns them with more properties than are kept:
    /// the key has to name a path into them.
    pub fn key_of<'a>(&self, at: impl Fn(&str) -> Option<&'a Value>) -> Vec<String> {
        self.key.iter().map(|path| at(&format!("/{path}")).map(key_text).unwrap_or_default()).collect()
    }

    /// Default values of children, which cannot be created or updated and can be deleted.
    pub const COMMON: Children = Children {
        key: &[],
        single: false,
        create: None,
        item: "",
        update: Updates::Nothing,
        delete: true,
        owner: None,
        keeps_id: false,
        prefixed: None,
        requests: None,
        finds: None,
        note: None,
    };

    /// Returns true if a child that does not exist can be created.
    pub fn creatable(&self) -> bool {
        self.create.is_some() || self.update == Updates::Replace
    }
}
