//! [`Link`]: relations, and small objects that live with their parent.

use serde_json::Value;

use super::{Api, Condition, Permissions, Updates};

/// A relation that Graph keeps apart from an object's properties.
#[derive(Debug)]
pub struct Link {
    /// Navigation property, and the key it has in the file.
    pub name: &'static str,
    /// Path below the object, where that is not the name: `branding/localizations`.
    pub at: Option<&'static str>,
    /// Relations by value that children come with only if `$expand` names them.
    pub expand: &'static [&'static str],
    /// The collection that `@odata.id` of a reference names its target in.
    pub to: &'static str,
    /// The references are written at their targets: `POST {target}/{id}/{relation}/$ref`. One end for each kind of target.
    pub ends: &'static [End],
    /// A target has one such relation at most: it is taken from one object before another gets it.
    pub exclusive: bool,
    /// What the relation holds.
    pub shape: LinkShape,
    /// How it is read.
    pub read: LinkRead,
    /// Version of Graph that it is read from, and that children are written in, where the kind's own version leaves some of
    /// it out.
    pub api: Option<Api>,
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

/// The other end of a relation that Graph writes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The kind of the target.
    pub kind: &'static str,
    /// The target's navigation property.
    pub relation: &'static str,
}

/// Small objects that live with their parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Children {
    /// What tells one from another: properties, or paths as `role/originId`.
    pub key: &'static [&'static str],
    /// There is at most one: the file holds an object, not a list.
    pub single: bool,
    /// Path to POST to, with `{parent}`; `None` where none can be made, or where PUT to `item` makes it (`update` is then
    /// [`Updates::Replace`]).
    pub create: Option<&'static str>,
    /// Path of one, with `{parent}` and `{child}` (the child's own Graph id), which a single one does without.
    pub item: &'static str,
    /// Which properties PATCH takes; empty: a change is a delete and a create.
    pub update: Updates,
    /// Whether DELETE takes one away.
    pub delete: bool,
    /// The child's property that holds the parent's id: left out of the file, sent at creation.
    pub owner: Option<&'static str>,
    /// Whether the child's own id is a constant that belongs in the file.
    pub keeps_id: bool,
    /// The property before whose value Graph puts `extension_` and the application's id when it makes one: POST takes the
    /// rest of it.
    pub prefixed: Option<&'static str>,
    /// Requests add and take it away: `create` is where they are posted, and `item` is only looked at.
    pub requests: Option<&'static ChildRequests>,
    /// An object within the child that Graph wants to be named by an id that no file holds.
    pub finds: Option<&'static Find>,
    /// What whoever approves that one is made should know, in one clause.
    pub note: Option<&'static str>,
}

/// Children that requests add and take away: `POST {create}` with what is to be done, the child, and the parent's id.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildRequests {
    /// The type of a request.
    pub entity: &'static str,
    /// The request's property that holds the child.
    pub child: &'static str,
    /// The request's property that holds the parent.
    pub parent: &'static str,
}

/// An object within a child whose id is another one whenever it was made anew, so that it is looked for by what tells it
/// from others, and named by the id it has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Find {
    /// Where in the child it is: a JSON pointer.
    pub at: &'static str,
    /// Its property that tells it from others, which is the same for good.
    pub by: &'static str,
    /// The list it is in, with `{of}`.
    pub list: &'static str,
    /// Where in the parent the id for `{of}` is: a JSON pointer.
    pub of: &'static str,
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

impl Link {
    /// What a link is unless it says otherwise: a set of directory objects, read for each object.
    pub const COMMON: Link = Link {
        name: "",
        at: None,
        expand: &[],
        to: "/directoryObjects",
        ends: &[],
        exclusive: false,
        shape: LinkShape::References,
        read: LinkRead::Each,
        api: None,
        absent: None,
        permissions: None,
    };

    /// The path below the object.
    pub fn segment(&self) -> &'static str {
        self.at.unwrap_or(self.name)
    }

    /// Whether any of it can be written.
    pub fn is_written(&self) -> bool {
        match &self.shape {
            LinkShape::References | LinkShape::Reference => true,
            LinkShape::Children(children) => {
                children.creatable() || children.delete || children.update != Updates::Nothing
            }
        }
    }

    /// What is said of children, if that is what the relation holds.
    pub fn children(&self) -> Option<&Children> {
        match &self.shape {
            LinkShape::Children(children) => Some(children),
            LinkShape::References | LinkShape::Reference => None,
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(elements) => {
            let mut texts: Vec<String> = elements.iter().map(text).collect();
            texts.sort();
            texts.join(" ")
        }
        Value::Null | Value::Object(_) => String::new(),
    }
}

impl Children {
    /// What tells one from another, each looked up by its JSON pointer; empty where there is nothing. The order of a list
    /// says nothing, and of objects, which Graph shows with more in them than is kept, a path into them has to be given.
    pub fn key_of<'a>(&self, at: impl Fn(&str) -> Option<&'a Value>) -> Vec<String> {
        self.key.iter().map(|path| at(&format!("/{path}")).map(text).unwrap_or_default()).collect()
    }

    /// What children are unless they say otherwise: fixed once they are made, and deletable.
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

    /// Whether one that is not there can be made.
    pub fn creatable(&self) -> bool {
        self.create.is_some() || self.update == Updates::Replace
    }
}
