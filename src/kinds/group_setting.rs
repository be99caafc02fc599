//! Describes directory settings: naming of groups, guests in groups, banned passwords, consent of groups' owners.
//! <https://learn.microsoft.com/graph/api/resources/groupsetting>

use crate::model::kind::*;

/// Settings made from one template. A tenant has at most one object per template.
pub const KIND: Kind = Kind {
    name: "groupSetting",
    entity: "groupSetting",
    title: "directory settings",
    folder: "organization/settings",
    schema: include_str!("../../schemas/organization/group-setting.schema.json"),
    path: "/groupSettings",
    natural: &["templateId"],
    permissions: Permissions { read: &["GroupSettings.Read.All"], write: &["GroupSettings.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/groupsetting",
    ..Kind::COMMON
};
