//! Lists the software that Contoso runs.

use super::names::ORDERING_NAME;

/// Represents the platform of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Web,
    /// A page in the browser.
    Page,
    /// An application on a desktop or a phone.
    Device,
    /// A service without a user.
    Daemon,
}

/// Represents one application registration.
#[derive(Debug)]
pub(super) struct App {
    pub label: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub platform: Platform,
    /// App roles: value, name, who can hold it (`User`, `Application`, or both).
    pub roles: &'static [(&'static str, &'static str, &'static [&'static str])],
    /// Delegated permissions of its own API: value, description.
    pub scopes: &'static [(&'static str, &'static str)],
    pub owners: &'static [&'static str],
    /// Delegated permissions that it requests from Microsoft Graph.
    pub asks: &'static [&'static str],
    /// Application permissions it holds in Microsoft Graph.
    pub holds: &'static [&'static str],
    /// Pipelines that sign in as it: name, issuer, subject.
    pub pipelines: &'static [(&'static str, &'static str, &'static str)],
    /// Names of the secrets, of which only names and dates can be read.
    pub secrets: &'static [&'static str],
}

const EMPTY: App = App {
    label: "",
    name: "",
    description: "",
    platform: Platform::Web,
    roles: &[],
    scopes: &[],
    owners: &[],
    asks: &[],
    holds: &[],
    pipelines: &[],
    secrets: &[],
};

const BOTH: &[&str] = &["User", "Application"];
const PEOPLE: &[&str] = &["User"];
const APPS: &[&str] = &["Application"];
const SIGN_IN: &[&str] = &["openid", "profile", "email", "offline_access", "User.Read"];
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const CLUSTER: &str = "https://oidc.prod-aks.azure.com/84841066-274d-4ec0-a5c1-276be684bdd3/";

pub(super) const ALL: &[App] = &[
    App {
        label: "order-desk",
        name: ORDERING_NAME,
        description: "Where orders are taken, changed and released.",
        platform: Platform::Web,
        roles: &[
            ("Orders.Enter", "Order clerk", PEOPLE),
            ("Orders.Approve", "Order approver", PEOPLE),
            ("Orders.Read.All", "Reads all orders", APPS),
            ("Orders.Export", "Exports orders", BOTH),
        ],
        scopes: &[("Orders.Read", "Read your orders"), ("Orders.ReadWrite", "Enter and change your orders")],
        owners: &["jonas.weber", "ananya.krishnan"],
        asks: &["openid", "profile", "offline_access", "User.Read", "Mail.Read"],
        holds: &["User.Read.All"],
        pipelines: &[
            ("github-main", GITHUB, "repo:contoso/order-desk:environment:production"),
            ("github-staging", GITHUB, "repo:contoso/order-desk:environment:staging"),
            ("cluster", CLUSTER, "system:serviceaccount:orders:order-desk"),
        ],
        secrets: &["legacy EDI gateway"],
    },
    App {
        label: "order-desk-mobile",
        name: "Order Desk Mobile",
        description: "Order Desk on a phone.",
        platform: Platform::Device,
        owners: &["jonas.weber"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "order-feed",
        name: "Order Feed",
        description: "Hands orders to the warehouses every five minutes.",
        platform: Platform::Daemon,
        roles: &[("Feed.Read", "Reads the feed", APPS)],
        owners: &["ananya.krishnan"],
        holds: &["Mail.Send"],
        pipelines: &[("github-main", GITHUB, "repo:contoso/order-feed:ref:refs/heads/main")],
        ..EMPTY
    },
    App {
        label: "warehouse",
        name: "Warehouse Board",
        description: "What is where.",
        platform: Platform::Page,
        roles: &[("Stock.Count", "Counts stock", PEOPLE), ("Stock.Move", "Moves stock", PEOPLE)],
        scopes: &[("Stock.Read", "See stock")],
        owners: &["hakon.ostby"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "expenses",
        name: "Expenses",
        description: "Travel and expenses.",
        platform: Platform::Web,
        roles: &[("Expenses.Approve", "Approver", PEOPLE)],
        owners: &["eleanor.ashworth"],
        asks: SIGN_IN,
        secrets: &["2024", "2025"],
        ..EMPTY
    },
    App {
        label: "hr-portal",
        name: "HR Portal",
        description: "Contracts, leave, learning.",
        platform: Platform::Web,
        roles: &[("HR.Admin", "Administrator", PEOPLE), ("HR.Read", "Reader", PEOPLE)],
        owners: &["lily.chang"],
        asks: SIGN_IN,
        secrets: &["portal"],
        ..EMPTY
    },
    App {
        label: "hr-sync",
        name: "HR to Entra",
        description: "Creates and updates users from the HR system.",
        platform: Platform::Daemon,
        owners: &["priya.raman", "lily.chang"],
        holds: &["User.ReadWrite.All", "GroupMember.Read.All"],
        secrets: &["nightly job"],
        ..EMPTY
    },
    App {
        label: "directory-backup",
        name: "Directory backup",
        description: "Keeps the tenant in git.",
        platform: Platform::Daemon,
        owners: &["wanjiru.kamau"],
        holds: &[
            "User.Read.All",
            "Group.Read.All",
            "GroupMember.Read.All",
            "Application.Read.All",
            "Policy.Read.All",
            "AuditLog.Read.All",
        ],
        pipelines: &[("nightly", GITHUB, "repo:contoso/tenant:environment:entra-read")],
        ..EMPTY
    },
    App {
        label: "directory-recovery",
        name: "Directory recovery",
        description: "Writes to the tenant. Switched on for the time of a recovery only.",
        platform: Platform::Daemon,
        owners: &["wanjiru.kamau"],
        holds: &["User.ReadWrite.All", "Group.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess"],
        pipelines: &[("apply", GITHUB, "repo:contoso/tenant:environment:entra-apply")],
        ..EMPTY
    },
    App {
        label: "wiki",
        name: "Wiki",
        description: "What we know.",
        platform: Platform::Web,
        owners: &["ananya.krishnan"],
        asks: SIGN_IN,
        secrets: &["wiki"],
        ..EMPTY
    },
    App {
        label: "status-page",
        name: "Status page",
        description: "What is up and what is down.",
        platform: Platform::Page,
        owners: &["arjun.bhattacharya"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "build-farm",
        name: "Build farm",
        description: "Builds and tests.",
        platform: Platform::Daemon,
        owners: &["ananya.krishnan"],
        pipelines: &[(
            "azure-pipelines",
            "https://vstoken.dev.azure.com/3f1c8b0e-6a0d-4a35-9d5f-6c0f0f1f7a11",
            "sc://contoso/platform/build-farm",
        )],
        ..EMPTY
    },
    App {
        label: "telemetry",
        name: "Telemetry collector",
        description: "Collects what machines say.",
        platform: Platform::Daemon,
        roles: &[("Telemetry.Write", "Writes", APPS)],
        owners: &["ananya.krishnan"],
        pipelines: &[("cluster", CLUSTER, "system:serviceaccount:telemetry:collector")],
        ..EMPTY
    },
    App {
        label: "partner-portal",
        name: "Partner portal",
        description: "Prices and stock for partners.",
        platform: Platform::Web,
        roles: &[("Partner.Read", "Partner", PEOPLE)],
        owners: &["sebastian.holm"],
        asks: SIGN_IN,
        secrets: &["portal"],
        ..EMPTY
    },
    App {
        label: "freight-quotes",
        name: "Freight quotes",
        description: "Asks carriers for prices.",
        platform: Platform::Page,
        scopes: &[("Quotes.Read", "See quotes")],
        owners: &["theodore.park"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "customs",
        name: "Customs filing",
        description: "Declarations.",
        platform: Platform::Web,
        owners: &["theodore.park"],
        asks: SIGN_IN,
        secrets: &["filing"],
        ..EMPTY
    },
    App {
        label: "payroll",
        name: "Payroll",
        description: "Pays people.",
        platform: Platform::Web,
        roles: &[("Payroll.Run", "Runs payroll", PEOPLE), ("Payroll.Audit", "Auditor", PEOPLE)],
        owners: &["eleanor.ashworth", "madeleine.roy"],
        asks: SIGN_IN,
        secrets: &["bank"],
        ..EMPTY
    },
    App {
        label: "treasury",
        name: "Treasury",
        description: "Cash and currencies.",
        platform: Platform::Device,
        owners: &["eleanor.ashworth"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "lab-notebook",
        name: "Lab notebook",
        description: "Experiments.",
        platform: Platform::Page,
        owners: &["imran.malik"],
        asks: &["openid", "profile", "User.Read", "Sites.Read.All"],
        ..EMPTY
    },
    App {
        label: "price-list",
        name: "Price list",
        description: "What things cost.",
        platform: Platform::Web,
        scopes: &[("Prices.Read", "See prices")],
        owners: &[],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "translations",
        name: "Übersetzungen",
        description: "Wörter und Sätze.",
        platform: Platform::Web,
        owners: &["katharina.muller"],
        asks: SIGN_IN,
        ..EMPTY
    },
    App {
        label: "room-booking",
        name: "Room booking",
        description: "Who sits where.",
        platform: Platform::Page,
        owners: &["ingrid.solberg"],
        asks: &["openid", "profile", "User.Read", "Calendars.Read"],
        ..EMPTY
    },
    App {
        label: "phone-list",
        name: "Phone list",
        description: "Everyone's extension.",
        platform: Platform::Device,
        owners: &["yuki.arakawa"],
        asks: &["openid", "profile", "User.ReadBasic.All"],
        ..EMPTY
    },
    App {
        label: "old-crm",
        name: "CRM (retired 2022)",
        description: "Nobody remembers who needs it.",
        platform: Platform::Web,
        owners: &[],
        asks: &["openid", "Directory.Read.All"],
        secrets: &["expired"],
        ..EMPTY
    },
    App {
        label: "chat-bot",
        name: "Ask Contoso",
        description: "Answers questions about Contoso.",
        platform: Platform::Web,
        owners: &["imran.malik"],
        asks: SIGN_IN,
        pipelines: &[("github-main", GITHUB, "repo:contoso/ask:ref:refs/heads/main")],
        ..EMPTY
    },
];
