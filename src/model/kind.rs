//! [`Kind`]: how Graph serves one type of directory object, as data.
//!
//! What an object's *fields* mean stands in its JSON Schema; how Graph *serves* it stands here. Every field is a closed
//! enum or a constant, never a closure, so that the exporter, the planner, the embedded tenant, the permission table and
//! the help can all read the same table. `src/kinds/mod.rs` says how to write one.

mod condition;
mod credential;
mod link;

pub use condition::Condition;
pub use credential::{Credential, Removal};
pub use link::{ChildRequests, Children, End, Find, Link, LinkRead, LinkShape};

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
    /// Secrets and certificates, which can be taken away one by one and never be brought back.
    pub credentials: &'static [Credential],
    /// Properties that Graph keeps in a list of its own.
    pub borrowed: &'static [Borrowed],
    /// What comes and ends by itself, as an activation of a role does: once it is over nobody wants it back.
    pub passing: Option<Condition>,
    /// Objects of another kind that bring these along.
    pub twin: Option<Twin>,
    /// What the tenant has to be licensed for before it can be used.
    pub licence: Option<Licence>,
    /// Properties that PATCH refuses and an action sets.
    pub calls: &'static [Call],
    /// The property that holds the id in Graph: `id`, or for instance a partner's `tenantId`. The file has an `id` besides.
    pub key: &'static str,
    /// Relations by value that the list has to be asked for with `$expand`, as `accessPackage($select=id)`. They are properties
    /// of the file, not links.
    pub expand: &'static [&'static str],
    /// The list is asked for anew for each object of another kind.
    pub for_each: Option<ForEach>,
    /// It is read here and written by requests posted elsewhere.
    pub requests: Option<Requests>,
    /// Who can read it.
    pub readers: Readers,
    /// Objects of this type that are reported under a name of their own.
    pub variants: &'static [Variant],
    /// What makes an object one that Graph only shows, because another directory owns it.
    pub owned_elsewhere: Option<Elsewhere>,
    /// Path of the delta function, where the type has one.
    pub delta: Option<&'static str>,
    /// The smallest profile that takes it in, unless nothing of it can be written: see [`Kind::profile`].
    pub profile: Profile,
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
    /// PATCH or PUT to the path of an id that the caller chose: it is made if it is not there.
    AtId(Verb),
    /// It cannot be created through Graph.
    Never {
        /// Why, in one clause.
        reason: &'static str,
    },
}

/// How something is written where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// PATCH: what is not named stays.
    Patch,
    /// PUT: what is not named goes.
    Put,
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

/// What PATCH takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// Nothing: replace it.
    Nothing,
    /// Only these properties.
    Only(&'static [&'static str]),
    /// Every writable property.
    All,
    /// PUT, with all of it.
    Replace,
}

/// A list that Graph answers only for one object of another kind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForEach {
    /// The other kind's name; its id takes the place of `{each}` in `filter`.
    pub kind: &'static str,
    /// Which of its objects are asked about; all, if nothing is said.
    pub when: Option<Condition>,
}

/// Writes that go by requests: `POST {path}` with `action` and the properties of what is to come.
/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// Where requests are posted.
    pub path: &'static str,
    /// The type of a request.
    pub entity: &'static str,
    /// Properties that every request names.
    pub names: &'static [&'static str],
    /// The request's property that holds the id of what it was about.
    pub target: &'static str,
}

/// Which kinds an export reads, from few to all: each takes in what the one before does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Profile {
    /// Configuration: no people. What a review of changes wants.
    Config,
    /// All that recovery needs.
    #[default]
    Recovery,
    /// What is only for information, too.
    Everything,
}

impl Profile {
    /// All of them, from few to all.
    pub const ALL: [Profile; 3] = [Profile::Config, Profile::Recovery, Profile::Everything];

    /// The word in the settings and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Profile::Config => "config",
            Profile::Recovery => "recovery",
            Profile::Everything => "everything",
        }
    }

    /// The profile called `word`.
    pub fn parse(word: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.word() == word)
    }
}

/// Objects that come with one of another kind and go with it, and are shown in both lists. Where that one is made, they are
/// not: what has an end there would have none here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twin {
    /// The other kind.
    pub kind: &'static str,
    /// Properties that are the same on both.
    pub by: &'static [&'static str],
}

/// The licences of Microsoft Entra ID, each with what those before it have.
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
    /// As Microsoft calls it.
    pub fn title(self) -> &'static str {
        match self {
            Licence::P1 => "Microsoft Entra ID P1",
            Licence::P2 => "Microsoft Entra ID P2",
            Licence::Governance => "Microsoft Entra ID Governance",
        }
    }
}

/// Who can read a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Applications and people.
    Everyone,
    /// People only: Graph has no application permission for it. Under an application's sign-in it is skipped, and said so.
    PeopleOnly,
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

/// A property that PATCH refuses and an action sets: `POST {path}/{id}/{action}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The property.
    pub property: &'static str,
    /// The action's name.
    pub action: &'static str,
    /// What it is sent.
    pub form: CallForm,
}

/// What an action is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallForm {
    /// `{property: value}`. The POST that makes the object takes the property as well.
    Value,
    /// `{add…: [elements], remove…: [keys]}`: what is wanted, and the keys of what is there and not wanted. The POST that
    /// makes the object does not take it.
    /// <https://learn.microsoft.com/graph/api/group-assignlicense>
    AddRemove {
        /// Name of the list of elements.
        add: &'static str,
        /// Name of the list of keys.
        remove: &'static str,
        /// The element's property that is its key.
        key: &'static str,
    },
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
    /// What a kind is unless it says otherwise: a collection whose objects are posted, patched and deleted for good. What has
    /// no value here (a name, a schema, a path, permissions) every kind says for itself.
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

    /// The link called `name`, if the kind has one.
    pub fn link(&self, name: &str) -> Option<&'static Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Returns the credentials that `property` lists, if it does.
    pub fn credential(&self, property: &str) -> Option<&'static Credential> {
        self.credentials.iter().find(|credential| credential.property == property)
    }

    /// Returns the name of the link or credential list called `name`: what entries can be taken from.
    pub fn entries(&self, name: &str) -> Option<&'static str> {
        self.link(name).map(|link| link.name).or_else(|| self.credential(name).map(|credential| credential.property))
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

    /// Whether nothing of it can be written: it is kept to be looked at.
    pub fn is_information(&self) -> bool {
        matches!(self.creation, Creation::Never { .. })
            && self.update == Updates::Nothing
            && self.deletion == Deletion::Never
            && self.calls.is_empty()
            && self.requests.is_none()
            && !self.links.iter().any(Link::is_written)
    }

    /// A singleton's constant id: the last part of its path in Graph. What Graph calls it inside differs from tenant to tenant
    /// for some, and no path of a file can know it.
    pub fn singleton_id(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.name)
    }

    /// The address of the object with this id.
    pub fn address(&self, id: &str) -> super::Address {
        super::Address::new(self.name, if self.is_singleton() { self.singleton_id() } else { id })
    }

    /// The smallest profile that takes it in. What is only for information brings nothing back.
    pub fn profile(&self) -> Profile {
        if self.is_information() { Profile::Everything } else { self.profile }
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
