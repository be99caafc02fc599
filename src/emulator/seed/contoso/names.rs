//! Names the ids and names that a demonstration needs to know.

/// Id of the tenant, unless another is asked for: the one of Microsoft's own examples.
pub const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";

/// The domain of people's names.
pub const DOMAIN: &str = "contoso.com";

/// The domain that the tenant came with.
pub const INITIAL_DOMAIN: &str = "contoso.onmicrosoft.com";

/// The administrator who makes the mistake.
pub const ADMINISTRATOR: &str = "Priya Raman";

/// That administrator's user principal name.
pub const ADMINISTRATOR_UPN: &str = "priya.raman@contoso.com";

/// The administrator who widened the others' rights a little earlier.
pub const SECOND_ADMINISTRATOR: &str = "Tomasz Zieliński";

/// That administrator's user principal name.
pub const SECOND_ADMINISTRATOR_UPN: &str = "tomasz.zielinski@contoso.com";

/// Name of the ordering application.
pub const ORDERING_NAME: &str = "Order Desk";

/// Name of [`REMOTE_WORKERS`].
pub const REMOTE_WORKERS_NAME: &str = "Remote workers";

/// Name of [`ORDER_APPROVERS`].
pub const ORDER_APPROVERS_NAME: &str = "Order Desk approvers";

/// Name of [`ORDERING_POLICY`].
pub const ORDERING_POLICY_NAME: &str = "CA210 Order Desk: multifactor authentication for remote workers";

/// Object id of the administrator who makes the mistake.
pub const ADMINISTRATOR_ID: &str = "e6f51108-6b25-488b-83ad-02452c6c67cb";

/// Object id of the administrator who widened the others' rights.
pub const SECOND_ADMINISTRATOR_ID: &str = "28d91e96-2036-4c3f-a7ed-4d0fc14ae4ab";

/// The group that the mistake locks out: people who work from home.
pub const REMOTE_WORKERS: &str = "16d53b8b-0703-415a-a027-0e2ba97f6333";

/// The group of the two emergency accounts, which every policy leaves out.
pub const EMERGENCY_ACCESS: &str = "d0d2c362-4938-4b0b-9f10-2c8306b43634";

/// The group that the demo deletes; its members may approve orders.
pub const ORDER_APPROVERS: &str = "1a2bd685-cf19-4df7-af45-b275e75721b2";

/// The Conditional Access policy for the ordering application and remote workers.
pub const ORDERING_POLICY: &str = "a471ed36-ba83-49e9-8282-bbdb5ffda628";

/// Id of the settings of Privileged Identity Management for Conditional Access administrators.
pub const ADMINISTRATOR_SETTINGS: &str =
    "Directory_84841066-274d-4ec0-a5c1-276be684bdd3_59c36c98-b89b-5194-a3e1-71d38e6e107e";

/// Object id of the ordering application.
pub const ORDERING_APPLICATION: &str = "c7f94608-7e23-449f-8200-db709eff9b43";

/// Application id (`appId`) of the ordering application.
pub const ORDERING_APP_ID: &str = "7b7d0f91-b50a-4faa-bc76-b3224205ff04";

/// Object id of the ordering application's service principal.
pub const ORDERING_PRINCIPAL: &str = "ee1fd8d5-91e0-4c8e-ba2e-baf7da82257e";

/// The first emergency account.
pub const EMERGENCY_1: &str = "f7b4474f-9984-4130-a337-0e9f5ace3ad9";

/// The second emergency account.
pub const EMERGENCY_2: &str = "38cdbcc2-2bec-4977-acf5-2681e3c610f7";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::seed::value::id;

    #[test]
    fn ids_are_those_of_the_objects() {
        for (constant, kind, label) in [
            (ADMINISTRATOR_ID, "user", "priya.raman"),
            (SECOND_ADMINISTRATOR_ID, "user", "tomasz.zielinski"),
            (REMOTE_WORKERS, "group", "remote-workers"),
            (EMERGENCY_ACCESS, "group", "emergency-access"),
            (ORDER_APPROVERS, "group", "order-approvers"),
            (ORDERING_POLICY, "policy", "order-desk-remote"),
            (ORDERING_APPLICATION, "application", "order-desk"),
            (ORDERING_APP_ID, "appId", "order-desk"),
            (ORDERING_PRINCIPAL, "servicePrincipal", "order-desk"),
            (EMERGENCY_1, "user", "emergency-1"),
            (EMERGENCY_2, "user", "emergency-2"),
        ] {
            assert_eq!(constant, id(kind, label), "{kind} {label}");
        }
    }
}
