//! [`Plan`], [`Step`], [`Write`]: the ordered writes that take a tenant from its current to the wanted state.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Address, Coverage, Distance, FieldChange, Kind, Left, Risk};

use crate::model::words::counted;

/// Represents the position of a step in [`Plan::steps`].
pub type StepId = usize;

/// Holds the ordered writes that take a tenant from its current to the wanted state. A plan is a value: made without a
/// client, a clock or a printer, and complete enough to be reviewed, saved and carried out elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Plan {
    /// Steps of the plan; ids in them are those of the wanted snapshot and are resolved when the plan runs.
    pub steps: Vec<Step>,
    /// Waves of steps: all steps of one wave may run at the same time, and a wave begins when the one before has ended.
    pub waves: Vec<Vec<StepId>>,
    /// Objects that only the tenant has and that nobody asked to delete.
    pub unmanaged: Vec<Address>,
    /// Losses that the approver must know: what re-creation loses, and what cannot be restored.
    pub losses: Vec<Loss>,
    /// Differences from the commit that remain when every step is done. Only if there are none, and nothing is unknown, is
    /// the tenant as it should be.
    pub left: Vec<Left>,
    /// Distance of the tenant from the commit, in a plan that carries out only the changes of that commit.
    pub distance: Option<Distance>,
    /// Kinds and links that the commit knows completely and that could not be read from the tenant, so that nothing can be
    /// said of them.
    pub unproven: Vec<String>,
    /// Kinds and links that are not completely known on one side, and are therefore left alone.
    pub unknown: Vec<(String, Coverage)>,
    /// Digests, at planning time, of each live object that the plan touches.
    pub seen: BTreeMap<Address, Seen>,
}

/// Holds the digests of an object at planning time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 over the normalized object with its links, in hex.
    pub whole: String,
    /// SHA-256 over the properties alone, in hex: links may change during the run because of the plan's own steps.
    pub properties: String,
}

/// Describes something that applying the plan cannot bring back, or brings back changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Address of the object.
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
    /// Graph may refuse to create or restore the object, since another one has what it must have alone; which one, and what to do.
    Conflict(String),
    /// A clause about anything else.
    Other(String),
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |f: &mut fmt::Formatter<'_>, count: usize, one: &str| write!(f, "loses {}", counted(count, one));
        match self {
            LossKind::NewId => f.write_str("gets a new id"),
            LossKind::ClientSecrets(secrets) => count(f, *secrets, "client secret"),
            LossKind::Certificates(certificates) => count(f, *certificates, "certificate"),
            LossKind::Password => f.write_str("loses its password (a random one is set) and its MFA registrations"),
            LossKind::Licences => f.write_str("loses its licences"),
            LossKind::NotCreatable(reason) => write!(f, "cannot be created again: {reason}"),
            LossKind::NotCreatableWithout(name) => write!(f, "cannot be created again without \"{name}\""),
            LossKind::Conflict(clause) => write!(f, "may be refused: {clause}"),
            LossKind::Other(clause) => f.write_str(clause),
        }
    }
}

/// Represents one write of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Address of the object, by the id that it has in the wanted snapshot (or, for deletes, in the tenant).
    pub address: Address,
    /// The variant's name where the object has one, else the kind's.
    pub called: &'static str,
    /// Name of the object, for people.
    pub name: String,
    /// Ids of the objects that this object refers to, where it has no name of its own.
    pub about: Vec<String>,
    /// Action that the step carries out.
    pub action: Action,
    /// Other values by which objects refer to an object that is created (an application's `appId`), which will change.
    pub identities: BTreeMap<String, String>,
    /// Steps that must have succeeded before this one.
    pub needs: Vec<StepId>,
    /// Authors of what the step removes, one line for each event of the audit log; empty if they are not known.
    pub by: Vec<String>,
    /// Risks that the schemas see in the step's changes, worst first.
    pub risks: Vec<Risk>,
}

/// Describes what a step writes. Ids in it are those of the wanted snapshot.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Creates the object; it gets a new id.
    Create {
        /// Properties for the POST.
        body: Map<String, Value>,
    },
    /// Restores the object from the recycle bin; it keeps its id.
    Restore,
    /// Updates the object by PATCH, with only the properties that differ.
    Update {
        /// Properties for the PATCH.
        body: Map<String, Value>,
        /// Changes for people, path by path.
        changes: Vec<FieldChange>,
    },
    /// Sets a property that PATCH refuses, through its action.
    Call {
        /// Name of the property.
        property: &'static str,
        /// Value of the property.
        value: Value,
    },
    /// Adds a reference or a child.
    Link {
        /// Name of the link.
        link: &'static str,
        /// An id, or the child's properties.
        value: Value,
    },
    /// Changes a child's properties in place.
    Relink {
        /// Name of the link.
        link: &'static str,
        /// The child's key properties and the properties to set.
        value: Value,
    },
    /// Removes a reference or a child.
    Unlink {
        /// Name of the link.
        link: &'static str,
        /// An id, or the child's properties.
        value: Value,
    },
    /// Deletes the object, into the recycle bin where its kind has one.
    Delete,
}

/// Holds the verdict of a guard on a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Name of the guard, as in `mass-delete`.
    pub guard: &'static str,
    /// True if the guard refuses the plan.
    pub refused: bool,
    /// Description of what the guard found, in one or two sentences.
    pub message: String,
    /// Objects that the verdict is about, as in `user/<id>`: every one of them can be accepted by itself.
    pub objects: Vec<String>,
}

/// Represents a step with every id resolved, as a request to a tenant. The tenant chooses paths and methods.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Creates the object: POST to the collection.
    Create {
        /// Kind of the object.
        kind: &'static Kind,
        /// Properties of the object.
        body: Map<String, Value>,
    },
    /// Restores the object from the recycle bin.
    Restore {
        /// Kind of the object.
        kind: &'static Kind,
        /// Id of the object.
        id: String,
    },
    /// Updates the object: PATCH.
    Update {
        /// Kind of the object.
        kind: &'static Kind,
        /// Id of the object.
        id: String,
        /// Properties to set.
        body: Map<String, Value>,
    },
    /// Sets a property: POST to an action of the object.
    Call {
        /// Kind of the object.
        kind: &'static Kind,
        /// Id of the object.
        id: String,
        /// Property that the action sets.
        property: &'static str,
        /// Value of the property.
        value: Value,
    },
    /// Adds a reference (`value` is an id) or a child (`value` is its properties).
    Link {
        /// Kind of the parent.
        kind: &'static Kind,
        /// Id of the parent.
        id: String,
        /// Name of the link.
        link: &'static str,
        /// An id, or the child's properties without the owner's.
        value: Value,
    },
    /// Updates a child: PATCH.
    Relink {
        /// Kind of the parent.
        kind: &'static Kind,
        /// Id of the parent.
        id: String,
        /// Name of the link.
        link: &'static str,
        /// The child's own Graph id.
        child: String,
        /// Properties to set.
        value: Map<String, Value>,
    },
    /// Removes a reference or a child.
    Unlink {
        /// Kind of the parent.
        kind: &'static Kind,
        /// Id of the parent.
        id: String,
        /// Name of the link.
        link: &'static str,
        /// The target's id, or the child's own Graph id.
        child: String,
    },
    /// Deletes the object: DELETE.
    Delete {
        /// Kind of the object.
        kind: &'static Kind,
        /// Id of the object.
        id: String,
    },
}

/// Holds the tenant's answer to a [`Write`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// The new object as the tenant returned it, raw; `None` if it returned none.
    pub value: Option<Map<String, Value>>,
}

impl Plan {
    /// Returns true if the tenant equals the commit: no step, no remaining difference and nothing unread.
    pub fn is_as_it_should_be(&self) -> bool {
        self.steps.is_empty()
            && self.left.is_empty()
            && self.unproven.is_empty()
            && self.distance.as_ref().is_none_or(|distance| distance.objects == 0)
    }
}

impl Action {
    /// Returns the word for the action: `create`, `restore`, `update` …
    pub fn as_str(&self) -> &'static str {
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
