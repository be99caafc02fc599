//! [`Kind`]: describes how Graph serves one type of directory object, as data.
//!
//! The meaning of an object's *fields* is in its JSON Schema; this type says how Graph *serves* the object. Every field is a
//! closed enum or a constant, never a closure, so that the exporter, the planner, the embedded tenant, the permission table
//! and the help can all read the same table. `src/kinds/mod.rs` says how to write one.

mod condition;
mod credential;
mod link;
mod list;

pub use condition::Condition;
pub use credential::{Credential, Removal};
pub use link::{ChildRequests, Children, End, Find, Hidden, Link, LinkRead, LinkShape};
pub use list::{Borrowed, Defaults, ForEach};

/// Describes one type of directory object.
#[derive(Debug)]
pub struct Kind {
    /// Name of the kind, as in `conditionalAccessPolicy`: Graph's own type name without prefixes that tell nothing. People
    /// type it after `--kind`.
    pub name: &'static str,
    /// Graph's own type name, without its namespace.
    pub entity: &'static str,
    /// Plural noun for people, as in `Conditional Access policies`.
    pub title: &'static str,
    /// Folder in the tenant repository; for a singleton the file without `.yaml`.
    pub folder: &'static str,
    /// Text of the kind's JSON Schema.
    pub schema: &'static str,
    /// Version of Graph that serves the kind.
    pub api: Api,
    /// Path below the version: that of the collection, or of the singleton.
    pub path: &'static str,
    /// Shape of the kind: a collection, or one object per tenant.
    pub shape: Shape,
    /// Naming of the files.
    pub naming: Naming,
    /// Natural key: properties that identify an object recreated by hand. Empty if there is none.
    pub natural: &'static [&'static str],
    /// Properties that hold the ids of the objects that an object refers to, where it has no name of its own.
    pub about: &'static [&'static str],
    /// The `$filter` without which Graph refuses the list.
    pub filter: Option<&'static str>,
    /// `$top` to request; `None` where Graph does not document one.
    pub page_size: Option<u16>,
    /// Use of `$select`, which must name the properties where Graph leaves some out without it.
    pub select: Select,
    /// Request that creates an object.
    pub creation: Creation,
    /// Properties that PATCH takes; if there are none, a changed object is created again, and the old one deleted.
    pub update: Updates,
    /// Effect of a deletion.
    pub deletion: Deletion,
    /// Relations that Graph keeps apart from the properties.
    pub links: &'static [Link],
    /// Secrets and certificates, which can be removed one by one and never be restored.
    pub credentials: &'static [Credential],
    /// Properties that Graph keeps in a separate list.
    pub borrowed: &'static [Borrowed],
    /// Condition that marks objects which end by themselves, as an activation of a role does: nobody wants them back once
    /// they are over.
    pub passing: Option<Condition>,
    /// Other kind along with whose objects Graph creates the objects of this kind.
    pub twin: Option<Twin>,
    /// Licence that the tenant needs to use the kind.
    pub licence: Option<Licence>,
    /// Properties that PATCH refuses and an action sets.
    pub calls: &'static [Call],
    /// Property that holds the id in Graph: `id`, or for instance a partner's `tenantId`. The file has an `id` besides.
    pub key: &'static str,
    /// Properties whose values make up the id here, joined by `_`, where Graph gives the object another id with every change.
    /// Requests that name the object look its present id up.
    pub id_of: &'static [&'static str],
    /// Navigation properties that the list returns only with `$expand`, as `accessPackage($select=id)`. They are properties
    /// of the file, not links.
    pub expand: &'static [&'static str],
    /// True if the list shows only a part of each object, so that every one is read by itself.
    pub list_is_short: bool,
    /// Kind for each of whose objects the list is requested once.
    pub for_each: Option<ForEach>,
    /// Requests that write the kind, if they are posted to a path other than the one that it is read from.
    pub requests: Option<Requests>,
    /// Sign-ins that can read the kind.
    pub readers: Readers,
    /// Objects of this type that are reported under a name of their own.
    pub variants: &'static [Variant],
    /// Condition that marks objects which Graph only shows, because another directory owns them.
    pub owned_elsewhere: Option<Elsewhere>,
    /// Path of the delta function, if the type has one.
    pub delta: Option<&'static str>,
    /// Smallest profile that includes the kind, unless nothing of it can be written: see [`Kind::profile`].
    pub profile: Profile,
    /// Application permissions.
    pub permissions: Permissions,
    /// Microsoft's page that the fields were taken from.
    pub docs: &'static str,
}

/// Lists the versions of Graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v1.0`
    V1,
    /// `/beta`
    Beta,
}

impl Api {
    /// Returns the path segment with its slash: `/v1.0` or `/beta`.
    pub const fn segment(self) -> &'static str {
        match self {
            Api::V1 => "/v1.0",
            Api::Beta => "/beta",
        }
    }
}

/// Tells a collection from a single object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Many objects below one path.
    Collection,
    /// One object per tenant; its id is a constant word.
    Singleton,
}

/// Lists the ways to name a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The id only: for people, so that no name is in a path.
    Id,
    /// A readable slug, then the id.
    Slug,
    /// The name of the folder: for a singleton.
    Fixed,
}

/// Tells whether `$select` is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// `$select` is not sent: Graph returns all that is needed by itself.
    Default,
    /// `$select` names every exported property of the schema.
    Explicit,
}

/// Lists the ways to create an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// POST to the collection.
    Post {
        /// Properties that the POST takes; the rest follows by PATCH.
        accepts: Accepts,
        /// Values that Graph demands and nobody can export.
        generates: &'static [Generated],
        /// Hint for whoever approves a creation, in one clause.
        note: Option<&'static str>,
    },
    /// PATCH or PUT to the path of an id that the caller chose: the object is created if it does not exist.
    AtId(Verb),
    /// Graph cannot create the object.
    Never {
        /// Reason, in one clause.
        reason: &'static str,
    },
}

/// Lists the methods that write something at its own path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// PATCH: properties that are not named stay.
    Patch,
    /// PUT: properties that are not named are removed.
    Put,
}

/// Lists the properties that a POST takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// All writable properties.
    All,
    /// Only these.
    Only(&'static [&'static str]),
}

/// Lists the values made up at creation, which are never stored and never printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// `passwordProfile` with a random password that must be changed at the next sign-in.
    PasswordProfile,
}

/// Describes the effect of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The object is moved to a recycle bin, for 30 days.
    Soft {
        /// Path that lists deleted objects of this type.
        list: &'static str,
        /// Path below which `/{id}` and `/{id}/restore` are.
        item: &'static str,
    },
    /// The object is gone at once.
    Hard,
    /// The object cannot be deleted: there is always one.
    Never,
}

/// Lists the properties that can be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// None: the object is replaced.
    Nothing,
    /// Only these properties.
    Only(&'static [&'static str]),
    /// Every writable property.
    All,
    /// PUT, with all properties.
    Replace,
}

/// Describes writes by requests: `POST {path}` with `action` and the properties of the object to create.
/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// Path that requests are posted to.
    pub path: &'static str,
    /// Graph's name for the type of a request.
    pub entity: &'static str,
    /// Properties that every request names.
    pub names: &'static [&'static str],
    /// Property of the request that holds the id of the object it was about.
    pub target: &'static str,
}

/// Selects the kinds that an export reads, from few to all: each profile includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// Configuration without people, for a review of changes.
    Config,
    /// Everything that recovery needs.
    #[default]
    Recovery,
    /// Everything, including kinds that are only for information.
    Everything,
}

impl Profile {
    /// All profiles, from few to all.
    pub const ALL: [Profile; 3] = [Profile::Config, Profile::Recovery, Profile::Everything];

    /// Returns the word used in the settings and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Profile::Config => "config",
            Profile::Recovery => "recovery",
            Profile::Everything => "everything",
        }
    }

    /// Returns the profile called `word`.
    pub fn parse(word: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.as_str() == word)
    }
}

/// Describes objects that are created and deleted along with an object of another kind, and are listed under both kinds.
/// They are not created here where the other object is created: an object that has an end there would have none here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twin {
    /// Name of the other kind.
    pub kind: &'static str,
    /// Properties that are the same on both.
    pub by: &'static [&'static str],
}

/// Lists the licences of Microsoft Entra ID, each including those before it.
/// <https://learn.microsoft.com/entra/fundamentals/licensing>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// Microsoft Entra ID P1.
    P1,
    /// Microsoft Entra ID P2.
    P2,
    /// Microsoft Entra ID Governance.
    Governance,
}

impl Licence {
    /// Returns the name that Microsoft uses.
    pub fn title(self) -> &'static str {
        match self {
            Licence::P1 => "Microsoft Entra ID P1",
            Licence::P2 => "Microsoft Entra ID P2",
            Licence::Governance => "Microsoft Entra ID Governance",
        }
    }
}

/// Lists the sign-ins that can read a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Applications and people can read it.
    Everyone,
    /// Only people can read it: Graph has no application permission for it. An application's sign-in skips it, and reports
    /// that.
    PeopleOnly,
}

/// Describes a property that PATCH refuses and an action sets: `POST {path}/{id}/{action}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Name of the property.
    pub property: &'static str,
    /// Name of the action.
    pub action: &'static str,
    /// Form of the action's body.
    pub form: CallForm,
}

/// Lists the forms of an action's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallForm {
    /// `{property: value}`. The POST that makes the object takes the property as well.
    Value,
    /// `{add…: [elements], remove…: [keys]}`: the elements that are wanted, and the keys of those that exist and are not
    /// wanted. The POST that makes the object does not take the property.
    /// <https://learn.microsoft.com/graph/api/group-assignlicense>
    AddRemove {
        /// Name of the list of elements.
        add: &'static str,
        /// Name of the list of keys.
        remove: &'static str,
        /// Property of the element that is its key.
        key: &'static str,
    },
}

/// Describes objects that another directory owns: Graph refuses changes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// Condition that marks such objects.
    pub when: Condition,
    /// Owner and advice, in one clause.
    pub reason: &'static str,
}

/// Describes objects of a type that are reported under a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Name of the variant, as in `managedIdentity`.
    pub name: &'static str,
    /// Plural noun for people.
    pub title: &'static str,
    /// Condition that marks objects of the variant.
    pub when: Condition,
    /// `Some(reason)` if Graph cannot create them.
    pub not_creatable: Option<&'static str>,
    /// True if they can be deleted although nobody can create them.
    pub deletable: bool,
}

/// Lists application permissions, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Permissions to read the kind.
    pub read: &'static [&'static str],
    /// Permissions to write the kind.
    pub write: &'static [&'static str],
}

impl Kind {
    /// Returns the permissions that show relations which are hidden otherwise.
    pub fn hidden_permissions(&self) -> impl Iterator<Item = &'static str> {
        self.links.iter().filter_map(|link| Some(link.hidden?.permission))
    }

    /// Default values of a kind: a collection whose objects are posted, patched and deleted for good. Every kind sets the
    /// fields that have no useful default here (a name, a schema, a path, permissions).
    pub const COMMON: Kind = Kind {
        name: "",
        entity: "",
        title: "",
        folder: "",
        schema: "{}",
        api: Api::V1,
        path: "",
        shape: Shape::Collection,
        naming: Naming::Slug,
        natural: &["displayName"],
        about: &[],
        filter: None,
        page_size: None,
        select: Select::Default,
        creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
        update: Updates::All,
        deletion: Deletion::Hard,
        links: &[],
        credentials: &[],
        borrowed: &[],
        calls: &[],
        key: "id",
        expand: &[],
        id_of: &[],
        list_is_short: false,
        for_each: None,
        requests: None,
        readers: Readers::Everyone,
        variants: &[],
        owned_elsewhere: None,
        licence: None,
        passing: None,
        twin: None,
        delta: None,
        profile: Profile::Config,
        permissions: Permissions { read: &[], write: &[] },
        docs: "",
    };

    /// Returns the link called `name`, if the kind has one.
    pub fn link(&self, name: &str) -> Option<&'static Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Returns the credentials that `property` lists, if it lists any.
    pub fn credential(&self, property: &str) -> Option<&'static Credential> {
        self.credentials.iter().find(|credential| credential.property == property)
    }

    /// Returns the name of the link or credential list called `name`, whose entries can be removed.
    pub fn entries(&self, name: &str) -> Option<&'static str> {
        self.link(name).map(|link| link.name).or_else(|| self.credential(name).map(|credential| credential.property))
    }

    /// Returns the action that sets `property`, if PATCH does not set it.
    pub fn call(&self, property: &str) -> Option<&'static Call> {
        self.calls.iter().find(|call| call.property == property)
    }

    /// Returns the ids of the objects that an object of this kind refers to.
    pub fn about(&self, properties: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
        let ids = self.about.iter().filter_map(|name| properties.get(*name)?.as_str());
        ids.map(str::to_owned).collect()
    }

    /// Returns true if nothing of the kind can be written: it is kept for information.
    pub fn is_information(&self) -> bool {
        matches!(self.creation, Creation::Never { .. })
            && self.update == Updates::Nothing
            && self.deletion == Deletion::Never
            && self.calls.is_empty()
            && self.requests.is_none()
            && !self.links.iter().any(Link::is_written)
    }

    /// Returns a singleton's constant id: the last part of its path in Graph. For some singletons Graph's own id differs
    /// from tenant to tenant, and a file's path cannot contain it.
    pub fn singleton_id(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.name)
    }

    /// Returns the address of the object with this id.
    pub fn address(&'static self, id: &str) -> super::Address {
        super::Address::new(self, if self.is_singleton() { self.singleton_id() } else { id })
    }

    /// Returns the smallest profile that includes the kind. A kind that is only for information does not help recovery.
    pub fn profile(&self) -> Profile {
        if self.is_information() { Profile::Everything } else { self.profile }
    }

    /// Returns true if there is always exactly one object.
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
