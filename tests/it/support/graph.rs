//! A bare HTTP client, and bodies as Graph's pages show them.

use std::collections::BTreeSet;

use entragit::emulator::{Options, Running, Seed, start};
use serde_json::{Value, json};

pub(crate) const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";
pub(crate) const LOCATIONS: &str = "/v1.0/identity/conditionalAccess/namedLocations";
pub(crate) const STRENGTHS: &str = "/v1.0/policies/authenticationStrengthPolicies";

pub(crate) struct Graph {
    pub(crate) tenant: Running,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

pub(crate) type Answer = (u16, Value);

impl Graph {
    pub(crate) async fn new() -> Self {
        Self::with(Options { seed: Seed::Random(250), ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tenant = start(options).await.expect("started");
        let mut graph = Self { tenant, http: reqwest::Client::new(), token: String::new() };
        graph.token =
            graph.sign_in("grant_type=client_credentials&client_id=cli&client_secret=s&scope=x/.default").await;
        graph
    }

    pub(crate) async fn sign_in(&self, form: &str) -> String {
        let (status, body) = self.form(form).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("token").to_owned()
    }

    pub(crate) async fn form(&self, form: &str) -> Answer {
        let url = format!("{}/{}/oauth2/v2.0/token", self.tenant.url(), self.tenant.tenant_id());
        let sent =
            self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let reply = sent.send().await.expect("reply");
        (reply.status().as_u16(), reply.json().await.expect("json"))
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (Answer, reqwest::header::HeaderMap) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.tenant.url()) };
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("method");
        let mut sent = self.http.request(method, url).bearer_auth(&self.token);
        for (name, value) in headers {
            sent = sent.header(*name, *value);
        }
        if let Some(body) = body {
            sent = sent.json(&body);
        }
        let reply = sent.send().await.expect("reply");
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let text = reply.text().await.expect("text");
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        ((status, body), headers)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[]).await.0
    }

    pub(crate) async fn advanced(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[("ConsistencyLevel", "eventual")]).await.0
    }

    pub(crate) async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body), &[]).await.0
    }

    pub(crate) async fn made(&self, path: &str, body: Value) -> Value {
        let (status, reply) = self.post(path, body).await;
        assert_eq!(status, 201, "{path}: {reply}");
        reply
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body), &[]).await.0
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, &[]).await.0
    }

    pub(crate) async fn user(&self, alias: &str) -> String {
        let user = self.made("/v1.0/users", person(alias)).await;
        text(&user["id"])
    }

    pub(crate) async fn group(&self, name: &str) -> String {
        text(&self.made("/v1.0/groups", security(name)).await["id"])
    }

    pub(crate) async fn pages(&self, path: &str) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), path.to_owned());
        for _ in 0..1000 {
            let page = self.ok(&next).await;
            all.extend(page["value"].as_array().expect("value").iter().cloned());
            match page["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return all,
            }
        }
        panic!("endless pages: {path}");
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

pub(crate) fn code(answer: &Answer) -> (u16, String) {
    (answer.0, answer.1["error"]["code"].as_str().unwrap_or_default().to_owned())
}

pub(crate) fn ids(list: &[Value]) -> BTreeSet<String> {
    list.iter().map(|item| text(&item["id"])).collect()
}

pub(crate) fn person(alias: &str) -> Value {
    json!({"accountEnabled": true, "displayName": alias, "mailNickname": alias, "userPrincipalName": format!("{alias}@contoso.onmicrosoft.com"),
        "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d", "forceChangePasswordNextSignIn": true}})
}

pub(crate) fn security(name: &str) -> Value {
    json!({"displayName": name, "mailEnabled": false, "mailNickname": "nick", "securityEnabled": true})
}

pub(crate) fn policy(name: &str) -> Value {
    json!({"displayName": name, "state": "disabled", "conditions": {
        "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}})
}

pub(crate) fn reference(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

/// Signs a person in, as the portal does.
pub(crate) async fn sign_in(graph: &mut Graph, name: &str) {
    let form = format!("grant_type=password&client_id=portal&scope=x/.default&username={name}&password=p");
    graph.token = graph.sign_in(&form).await;
}
