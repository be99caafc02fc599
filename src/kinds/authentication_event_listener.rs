//! Describes authentication event listeners: they define what happens at an event of a sign-in, and for which applications.
//! <https://learn.microsoft.com/graph/api/resources/authenticationeventlistener>

use crate::model::kind::*;

/// Event listener; `@odata.type` names the event. It has no name of its own, and is shown by the extension that it calls.
pub const KIND: Kind = Kind {
    name: "authenticationEventListener",
    entity: "authenticationEventListener",
    title: "authentication event listeners",
    folder: "external-identities/event-listeners",
    schema: include_str!("../../schemas/external-identities/authentication-event-listener.schema.json"),
    path: "/identity/authenticationEventListeners",
    naming: Naming::Id,
    natural: &[],
    permissions: Permissions { read: &["EventListener.Read.All"], write: &["EventListener.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/authenticationeventlistener",
    ..Kind::COMMON
};
