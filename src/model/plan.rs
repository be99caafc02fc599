//! [`Plan`], [`Step`], [`Write`]: the ordered writes that take a tenant from what it is to what is wanted.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Address, Coverage, Distance, FieldChange, Kind, Left, Risk};

/// Position of a step in [`Plan::steps`].
pub type StepId = usize;

/// The ordered writes that take a tenant from what it is to what is wanted. A value: made without a client, a clock or a
/// printer, and complete enough to be reviewed, saved and carried out elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Plan {
    /// Every step; ids in it are those of the wanted snapshot and are resolved when it runs.
    pub steps: Vec<Step>,
    /// Steps in waves: all of one wave may run at the same time, a wave begins when the one before has ended.
    pub waves: Vec<Vec<StepId>>,
    /// Objects that only the tenant has and that nobody asked to delete.
    pub unmanaged: Vec<Address>,
    /// What approval must know: what re-creation loses, what cannot be restored.
    pub losses: Vec<Loss>,
    /// What still differs from the commit when every step is done. Only if it is empty, and nothing is unknown, is the
    /// tenant as it should be.
    pub left: Vec<Left>,
    /// Of a plan that carries out only the changes of a commit: how far the tenant is from that commit.
    pub distance: Option<Distance>,
    /// Kinds and links that the commit knows completely and that could not be read from the tenant: nothing can be said of
    /// them.
    pub unproven: Vec<String>,
    /// Kinds and links that are not completely known on one side, and are therefore left alone.
    pub unknown: Vec<(String, Coverage)>,
    /// Digests, at planning time, of each live object the plan touches.
    pub seen: BTreeMap<Address, Seen>,
}

/// What the planner saw of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 over the normalized object with its links, in hex.
    pub whole: String,
    /// The same over its properties alone: links may change on the way because of the plan's own steps.
    pub properties: String,
}

/// Something that applying the plan cannot bring back, or brings back changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The object.
    pub address: Address,
    /// The object's name.
    pub name: String,
    /// The single losses, in the order in which people read them.
    pub parts: Vec<LossKind>,
}

impl Loss {
    /// Creates a loss that consists of one part.
    pub fn new(address: &Address, name: &str, part: LossKind) -> Loss {
        Loss { address: address.clone(), name: name.to_owned(), parts: vec![part] }
    }

    /// Returns all parts as one clause whose subject is the object.
    pub fn what(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(LossKind::to_string).collect();
        parts.join(", ")
    }
}

/// One sort of loss. What is counted over a whole plan has a variant of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "loss", content = "detail")]
pub enum LossKind {
    /// The object is created again under a new id.
    NewId,
    /// Number of client secrets that are lost.
    ClientSecrets(usize),
    /// Number of certificates that are lost.
    Certificates(usize),
    /// The password is replaced by a random one, and MFA registrations are lost.
    Password,
    /// The user's licences are lost.
    Licences,
    /// The object cannot be created; the reason.
    NotCreatable(String),
    /// The object cannot be created because another one cannot be; that one's name.
    NotCreatableWithout(String),
    /// A clause about anything else.
    Other(String),
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |f: &mut fmt::Formatter<'_>, count: usize, one: &str| {
            write!(f, "loses {count} {one}{}", if count == 1 { "" } else { "s" })
        };
        match self {
            LossKind::NewId => f.write_str("gets a new id"),
            LossKind::ClientSecrets(secrets) => count(f, *secrets, "client secret"),
            LossKind::Certificates(certificates) => count(f, *certificates, "certificate"),
            LossKind::Password => f.write_str("loses its password (a random one is set) and its MFA registrations"),
            LossKind::Licences => f.write_str("loses its licences"),
            LossKind::NotCreatable(reason) => write!(f, "cannot be created again: {reason}"),
            LossKind::NotCreatableWithout(name) => write!(f, "cannot be created again without \"{name}\""),
            LossKind::Other(clause) => f.write_str(clause),
        }
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The object, by the id it has in the wanted snapshot (or, for deletes, in the tenant).
    pub address: Address,
    /// The variant's name where it has one, else the kind's.
    pub called: &'static str,
    /// The object's name, for people.
    pub name: String,
    /// Ids of the objects it is about, where it has no name of its own.
    pub about: Vec<String>,
    /// What is written.
    pub action: Action,
    /// For a creation: the other values by which objects refer to this one (an application's `appId`), which will change.
    pub identities: BTreeMap<String, String>,
    /// Steps that must have succeeded before.
    pub needs: Vec<StepId>,
    /// Who made what the step takes away, one line for each event of the audit log; empty where nobody knows.
    pub by: Vec<String>,
    /// The marks of the schemas on what the step changes, worst first.
    pub risks: Vec<Risk>,
}

/// What a step writes. Ids inside are those of the wanted snapshot.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make the object; it gets a new id.
    Create {
        /// Properties for the POST.
        body: Map<String, Value>,
    },
    /// Take it back from the recycle bin; it keeps its id.
    Restore,
    /// PATCH, with only the properties that differ.
    Update {
        /// Properties for the PATCH.
        body: Map<String, Value>,
        /// The same for people, path by path.
        changes: Vec<FieldChange>,
    },
    /// Set a property that PATCH refuses through its action.
    Call {
        /// The property.
        property: &'static str,
        /// Its value.
        value: Value,
    },
    /// Add a reference or a child.
    Link {
        /// The link's name.
        link: &'static str,
        /// An id, or the child's properties.
        value: Value,
    },
    /// Change a child's properties in place.
    Relink {
        /// The link's name.
        link: &'static str,
        /// The child's key properties and the properties to set.
        value: Value,
    },
    /// Take a reference or a child away.
    Unlink {
        /// The link's name.
        link: &'static str,
        /// An id, or the child's properties.
        value: Value,
    },
    /// Delete it, into the recycle bin where it has one.
    Delete,
}

/// What a guard says of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The guard's name, as in `mass-delete`.
    pub guard: &'static str,
    /// Whether it refuses the plan.
    pub refused: bool,
    /// What it found, in one or two sentences.
    pub message: String,
    /// What it is about, as in `user/<id>`: every one of them can be accepted by itself.
    pub objects: Vec<String>,
}

/// A step with every id resolved: what a tenant is asked to do. Paths and methods are the tenant's to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// POST to the collection.
    Create {
        /// The kind.
        kind: &'static Kind,
        /// Properties.
        body: Map<String, Value>,
    },
    /// Take it back from the recycle bin.
    Restore {
        /// The kind.
        kind: &'static Kind,
        /// The object's id.
        id: String,
    },
    /// PATCH.
    Update {
        /// The kind.
        kind: &'static Kind,
        /// The object's id.
        id: String,
        /// Properties.
        body: Map<String, Value>,
    },
    /// POST to an action.
    Call {
        /// The kind.
        kind: &'static Kind,
        /// The object's id.
        id: String,
        /// The property whose action it is.
        property: &'static str,
        /// The value.
        value: Value,
    },
    /// Add a reference (`value` is an id) or a child (`value` is its properties).
    Link {
        /// The parent's kind.
        kind: &'static Kind,
        /// The parent's id.
        id: String,
        /// The link's name.
        link: &'static str,
        /// An id, or the child's properties without the owner's.
        value: Value,
    },
    /// PATCH a child.
    Relink {
        /// The parent's kind.
        kind: &'static Kind,
        /// The parent's id.
        id: String,
        /// The link's name.
        link: &'static str,
        /// The child's own Graph id.
        child: String,
        /// Properties to set.
        value: Map<String, Value>,
    },
    /// Take a reference or a child away.
    Unlink {
        /// The parent's kind.
        kind: &'static Kind,
        /// The parent's id.
        id: String,
        /// The link's name.
        link: &'static str,
        /// The target's id, or the child's own Graph id.
        child: String,
    },
    /// DELETE.
    Delete {
        /// The kind.
        kind: &'static Kind,
        /// The object's id.
        id: String,
    },
}

/// What a tenant answered to a [`Write`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// The new object as the tenant returned it, raw, where it returned one.
    pub value: Option<Map<String, Value>>,
}

impl Plan {
    /// Whether nothing at all differs from the commit: there is nothing to do, nothing left and nothing unread.
    pub fn is_as_it_should_be(&self) -> bool {
        self.steps.is_empty()
            && self.left.is_empty()
            && self.unproven.is_empty()
            && self.distance.as_ref().is_none_or(|distance| distance.objects == 0)
    }
}

impl Action {
    /// The word for it: `create`, `restore`, `update` …
    pub fn word(&self) -> &'static str {
        match self {
            Action::Create { .. } => "create",
            Action::Restore => "restore",
            Action::Update { .. } => "update",
            Action::Call { .. } => "set",
            Action::Link { .. } => "link",
            Action::Relink { .. } => "relink",
            Action::Unlink { .. } => "unlink",
            Action::Delete => "delete",
        }
    }
}
