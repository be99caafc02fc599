//! Describes the organization itself: its notification addresses, the look of the sign-in page, and the trusted certificate
//! authorities. <https://learn.microsoft.com/graph/api/resources/organization>

use crate::model::kind::*;

/// Organization. There is exactly one, in a list of its own.
pub const KIND: Kind = Kind {
    name: "organization",
    entity: "organization",
    title: "organization",
    folder: "organization/tenant",
    schema: include_str!("../../schemas/organization/organization.schema.json"),
    path: "/organization",
    natural: &[],
    creation: Creation::Never { reason: "every tenant is one" },
    // <https://learn.microsoft.com/graph/api/organization-update>
    update: Updates::Only(&[
        "marketingNotificationEmails",
        "privacyProfile",
        "securityComplianceNotificationMails",
        "securityComplianceNotificationPhones",
        "technicalNotificationMails",
    ]),
    deletion: Deletion::Never,
    // The default branding is among the localizations, as `0`:
    // <https://learn.microsoft.com/graph/api/organizationalbranding-list-localizations>
    // There is no PATCH of trusted authorities: <https://learn.microsoft.com/graph/api/resources/certificatebasedauthconfiguration>
    links: &[
        Link {
            name: "branding",
            at: Some("branding/localizations"),
            shape: LinkShape::Children(Children {
                key: &["id"],
                create: Some("/organization/{parent}/branding/localizations"),
                item: "/organization/{parent}/branding/localizations/{child}",
                update: Updates::All,
                keeps_id: true,
                ..Children::COMMON
            }),
            permissions: Some(Permissions {
                read: &["OrganizationalBranding.Read.All"],
                write: &["OrganizationalBranding.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
        Link {
            name: "certificateBasedAuthConfiguration",
            shape: LinkShape::Children(Children {
                key: &["certificateAuthorities/0/certificate"],
                create: Some("/organization/{parent}/certificateBasedAuthConfiguration"),
                item: "/organization/{parent}/certificateBasedAuthConfiguration/{child}",
                ..Children::COMMON
            }),
            ..Link::COMMON
        },
    ],
    permissions: Permissions { read: &["Organization.Read.All"], write: &["Organization.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/organization",
    ..Kind::COMMON
};
