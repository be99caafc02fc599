//! [`Left`]: a difference from the wanted commit that remains when every step of a plan is done.

use std::fmt;

use super::{Address, ChangeKind};

/// Represents a difference between the wanted commit and the tenant that no step of a plan covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// Address of the object, by its current id.
    pub address: Address,
    /// The variant's name where the object has one, else the kind's.
    pub called: &'static str,
    /// The object's name.
    pub name: String,
    /// Difference, from the commit to the tenant: an object that is "added" is only in the tenant.
    pub what: ChangeKind,
    /// Reason why no step covers the difference.
    pub obstacle: Obstacle,
    /// Authors of the difference, one line for each event of the audit log, newest first; empty if they are not known.
    pub by: Vec<String>,
}

/// Lists the reasons why no step covers a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Graph sets the property by itself.
    ReadOnly,
    /// The property is fixed when the object is created.
    Fixed,
    /// The commit has no value for the property, and Graph demands one.
    MustHaveValue,
    /// Graph changes the property in the other direction only.
    OneWay,
    /// Graph offers no way to change the property, or the entry of a link.
    NotUpdatable,
    /// The difference is a credential whose secret nobody can read back.
    CredentialGone,
    /// Graph cannot create the object; the reason is one clause.
    NotCreatable(String),
    /// Graph cannot delete the object.
    NotDeletable,
    /// Another directory or service owns the object; the reason is one clause.
    OwnedElsewhere(String),
    /// Only the tenant has the object, and no snapshot has ever had it.
    Unmanaged,
    /// The schema does not know the property, so that it is never written.
    UnknownProperty,
    /// The target of a link does not exist, and the plan does not bring it back.
    TargetMissing,
    /// The object ended by itself, as a schedule does.
    Ended,
    /// None of the other reasons applies; the plan says nothing more of it.
    Other,
}

impl Obstacle {
    /// Returns the word for the obstacle in JSON documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Obstacle::ReadOnly => "readOnly",
            Obstacle::Fixed => "fixed",
            Obstacle::MustHaveValue => "mustHaveValue",
            Obstacle::OneWay => "oneWay",
            Obstacle::NotUpdatable => "notUpdatable",
            Obstacle::CredentialGone => "credentialGone",
            Obstacle::NotCreatable(_) => "notCreatable",
            Obstacle::NotDeletable => "notDeletable",
            Obstacle::OwnedElsewhere(_) => "ownedElsewhere",
            Obstacle::Unmanaged => "unmanaged",
            Obstacle::UnknownProperty => "unknownProperty",
            Obstacle::TargetMissing => "targetMissing",
            Obstacle::Ended => "ended",
            Obstacle::Other => "other",
        }
    }

    /// Returns the obstacle called `word`, with its reason where it has one.
    pub fn parse(word: &str, reason: &str) -> Option<Obstacle> {
        Some(match word {
            "readOnly" => Obstacle::ReadOnly,
            "fixed" => Obstacle::Fixed,
            "mustHaveValue" => Obstacle::MustHaveValue,
            "oneWay" => Obstacle::OneWay,
            "notUpdatable" => Obstacle::NotUpdatable,
            "credentialGone" => Obstacle::CredentialGone,
            "notCreatable" => Obstacle::NotCreatable(reason.to_owned()),
            "notDeletable" => Obstacle::NotDeletable,
            "ownedElsewhere" => Obstacle::OwnedElsewhere(reason.to_owned()),
            "unmanaged" => Obstacle::Unmanaged,
            "unknownProperty" => Obstacle::UnknownProperty,
            "targetMissing" => Obstacle::TargetMissing,
            "ended" => Obstacle::Ended,
            "other" => Obstacle::Other,
            _ => return None,
        })
    }

    /// Returns the reason that came with the obstacle; empty for those that need none.
    pub fn reason(&self) -> &str {
        match self {
            Obstacle::NotCreatable(reason) | Obstacle::OwnedElsewhere(reason) => reason,
            _ => "",
        }
    }
}

impl fmt::Display for Obstacle {
    /// Writes why no step covers the difference and what a person can do, as a clause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::ReadOnly => f.write_str("Graph sets it by itself and lets nobody write it"),
            Obstacle::Fixed => f.write_str("it is fixed when the object is created"),
            Obstacle::MustHaveValue => {
                f.write_str("Graph demands a value, and the commit has none; write the one that is meant")
            }
            Obstacle::OneWay => f.write_str("Graph changes it in the other direction only"),
            Obstacle::NotUpdatable => f.write_str("Graph offers no way to change it"),
            Obstacle::CredentialGone => {
                f.write_str("its secret cannot be read back, so it cannot be restored; issue a new one")
            }
            Obstacle::NotCreatable(reason) => write!(f, "it cannot be created again: {reason}"),
            Obstacle::NotDeletable => f.write_str("it cannot be deleted through Graph"),
            Obstacle::OwnedElsewhere(reason) => write!(f, "it is left alone: {reason}"),
            Obstacle::Unmanaged => {
                f.write_str("only the tenant has it and no snapshot ever had it; --prune deletes it")
            }
            Obstacle::UnknownProperty => {
                f.write_str("this version does not know the property and never writes it; change it in the portal")
            }
            Obstacle::TargetMissing => {
                f.write_str("what it leads to is not in the tenant, and this plan does not bring it back")
            }
            Obstacle::Ended => f.write_str("it has ended by itself"),
            Obstacle::Other => f.write_str("no step covers it"),
        }
    }
}

/// Tells how far the tenant is from a commit of which only the changes are planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distance {
    /// Revision of the commit, as a person named it.
    pub commit: String,
    /// Number of objects of the tenant that differ from the commit, besides those that the plan touches.
    pub objects: usize,
}
