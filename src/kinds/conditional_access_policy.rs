//! Describes Conditional Access policies. <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>
//!
//! They are read and written in beta: v1.0 leaves policies with preview features out of its lists without an error, and refuses
//! to show or change one by its id ("contains preview features. Use the Beta endpoint").
//! <https://github.com/hashicorp/terraform-provider-azuread/issues/937>,
//! <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/431>

use crate::model::kind::*;

/// Conditional Access policy.
pub const KIND: Kind = Kind {
    name: "conditionalAccessPolicy",
    entity: "conditionalAccessPolicy",
    title: "Conditional Access policies",
    folder: "conditional-access/policies",
    schema: include_str!("../../schemas/conditional-access/conditional-access-policy.schema.json"),
    api: Api::Beta,
    path: "/identity/conditionalAccess/policies",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    // <https://learn.microsoft.com/graph/api/resources/policydeletableitem>
    deletion: Deletion::Soft {
        list: "/identity/conditionalAccess/deletedItems/policies",
        item: "/identity/conditionalAccess/deletedItems/policies",
    },
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    delta: None,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["Policy.Read.All"],
        write: &["Policy.ReadWrite.ConditionalAccess"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy",
    ..Kind::COMMON
};
