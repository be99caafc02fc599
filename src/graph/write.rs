//! Carries out writes, and waits until what was written is known everywhere.
//! <https://devblogs.microsoft.com/identity/designing-for-eventual-consistency-for-microsoft-entra/>

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::each;
use super::http::{Clock, Http, JSON, Repeat, Request};
use super::page::describe_json_error;
use super::passing::Recent;
use super::request::{Asks, Known, asks, object, request_of};
use super::retry::Cause;
use super::urls::{literal, segment};
use crate::kinds;
use crate::model::kind::{Api, Creation, End, Find, Generated, LinkShape};
use crate::model::{Kind, Write, Written};
use crate::tenant::TenantError;

/// Time for which a new object that is to be removed may seem not to be there.
const REMOVAL: Duration = Duration::from_secs(2);

/// Time for which an object that gets another id with every change may answer to none.
const RENAMED: Duration = Duration::from_secs(60);

/// Maximum pause between two attempts: long enough for a replica to catch up, short enough not to be noticed where it has.
const CATCHES_UP: Duration = Duration::from_secs(10);

/// Carries out `write`.
pub(super) async fn write(http: &Http, recent: &Recent, write: &Write) -> Result<Written, TenantError> {
    let mut sending = Sending::prepare(http, recent, write).await?;
    let wants_id = sending.makes() && sending.request.repeat == Repeat::Once;
    loop {
        let error = match http.run(&sending.request, |body: &[u8]| parse_reply(write, wants_id, body)).await {
            Ok(value) => return sending.conclude(value).await,
            Err(error) => error,
        };
        match sending.prepare_again(&error).await? {
            Next::Again => {}
            Next::Done => return Ok(sending.note_done()),
            Next::Final => return sending.unless_done(error).await,
        }
    }
}

/// Tells what follows a refused request.
enum Next {
    /// The request is sent again.
    Again,
    /// The effect of the write is there.
    Done,
    /// The answer is the last one.
    Final,
}

/// Holds a write and the request for it, until the request is answered for good.
struct Sending<'a> {
    http: &'a Http,
    recent: &'a Recent,
    write: &'a Write,
    known: Known,
    request: Request,
    clock: Clock,
}

impl<'a> Sending<'a> {
    /// Reads the facts that the write needs, again while something is not known everywhere, and makes the request.
    async fn prepare(http: &'a Http, recent: &'a Recent, write: &'a Write) -> Result<Sending<'a>, TenantError> {
        let mut clock = Clock::new(http.deadline);
        clock.start();
        let known = loop {
            let error = match find_out(http, write).await {
                Ok(known) => break known,
                Err(error) => error,
            };
            let waits = recent.patience(write, &error).is_some_and(|limit| clock.spent() < limit);
            let pause = if waits { clock.pause(Cause::Passing, None) } else { None };
            let Some(pause) = pause else { return Err(error) };
            http.wait(pause.min(CATCHES_UP), &format!("{error}; it may not be known everywhere yet")).await;
        };
        let mut call = request_of(write, http.base.text(), &known)?;
        if let (Write::Create { kind, .. }, Some(body)) = (write, call.body.as_mut()) {
            generate(kind, body);
        }
        let request = Request {
            url: http.base.join(&call.path)?,
            method: call.method,
            body: call.body.map(|body| Value::Object(body).to_string().into_bytes()),
            repeat: call.repeat,
            permissions: call.permissions,
            eventual: false,
            accept: JSON,
        };
        Ok(Sending { http, recent, write, known, request, clock })
    }

    /// Returns true if the write makes something.
    fn makes(&self) -> bool {
        matches!(self.write, Write::Create { .. } | Write::Link { .. })
    }

    /// Returns what was written, after a reply that is no error.
    async fn conclude(self, value: Option<Map<String, Value>>) -> Result<Written, TenantError> {
        let outcome = value.as_ref().map_or(RequestOutcome::Done, |value| outcome_of(self.write, value));
        if let Some(error) = outcome.into_error(self.request.label()) {
            return self.unless_done(error).await;
        }
        remember(self.recent, self.write, value.as_ref());
        self.recent.note(self.write);
        Ok(Written { value })
    }

    /// Returns the error, unless the tenant is as the write wants it.
    async fn unless_done(self, error: TenantError) -> Result<Written, TenantError> {
        if is_done(self.http, self.write, &error).await? { Ok(self.note_done()) } else { Err(error) }
    }

    /// Remembers a write whose answer was lost: what it explains is refused for a while all the same.
    fn note_done(&self) -> Written {
        remember(self.recent, self.write, None);
        self.recent.note(self.write);
        Written::default()
    }

    /// Waits, and changes the request, if it may succeed when it is sent again.
    async fn prepare_again(&mut self, error: &TenantError) -> Result<Next, TenantError> {
        let not_found = matches!(error, TenantError::NotFound { .. });
        // The object got another id meanwhile, or a replica that lags behind said which.
        if self.known.own.is_some()
            && not_found
            && self.clock.spent() < RENAMED
            && let Some(pause) = self.clock.pause(Cause::Passing, None)
        {
            let why = format!("{} has another id now", self.request.label());
            self.http.wait(pause.min(CATCHES_UP), &why).await;
            match find_out(self.http, self.write).await {
                Err(TenantError::NotFound { .. }) => {}
                found => {
                    self.known = found?;
                    let call = request_of(self.write, self.http.base.text(), &self.known)?;
                    self.request.url = self.http.base.join(&call.path)?;
                }
            }
            return Ok(Next::Again);
        }
        let url = &mut self.request.url;
        // The path is right, and v1.0 does not take it all the same.
        let removes = matches!(self.write, Write::Unlink { .. } | Write::Delete { .. });
        if removes && is_no_path(error) && url.path().starts_with(Api::V1.segment()) {
            let path = url.path().replacen(Api::V1.segment(), Api::Beta.segment(), 1);
            url.set_path(&path);
            return Ok(Next::Again);
        }
        // A restored object is in the recycle bin no more: an attempt whose answer was lost is found by reading the object.
        if matches!(self.write, Write::Restore { .. }) && is_done(self.http, self.write, error).await? {
            return Ok(Next::Done);
        }
        // A removed object that is not found is gone in most cases, so the wait for it is short.
        let gone = removes && not_found && self.clock.spent() > REMOVAL;
        let waits = !gone && self.recent.patience(self.write, error).is_some_and(|limit| self.clock.spent() < limit);
        let pause = if waits { self.clock.pause(Cause::Passing, None) } else { None };
        let Some(pause) = pause else { return Ok(Next::Final) };
        let why = format!("{} is not known everywhere yet", self.request.label());
        self.http.wait(pause.min(CATCHES_UP), &why).await;
        Ok(Next::Again)
    }
}

/// Reads the reply to a write. The reply to a creation must hold the new id (`wants_id`); for other writes the status is enough.
fn parse_reply(write: &Write, wants_id: bool, body: &[u8]) -> Result<Option<Map<String, Value>>, String> {
    match serde_json::from_slice::<Map<String, Value>>(body).map(|value| with_new_id(write, value)) {
        // Without an id, the request may say why.
        Ok(value) if outcome_of(write, &value) != RequestOutcome::Done => Ok(Some(value)),
        Ok(value) if !wants_id || value.get("id").is_some_and(Value::is_string) => Ok(Some(value)),
        // A creation at a given id is answered with an empty body.
        _ if matches!(write, Write::Create { kind, .. } if matches!(kind.creation, Creation::AtId(_))) => {
            Ok(Some(with_new_id(write, Map::new())))
        }
        _ if wants_id => Err("it was done, but the reply does not say under which id".to_owned()),
        _ => Ok(None),
    }
}

/// Reads the facts that the write needs before it can be sent.
async fn find_out(http: &Http, write: &Write) -> Result<Known, TenantError> {
    let (Write::Update { kind, id, .. }
    | Write::Delete { kind, id }
    | Write::Call { kind, id, .. }
    | Write::Link { kind, id, .. }
    | Write::Relink { kind, id, .. }
    | Write::Unlink { kind, id, .. }) = write
    else {
        return Ok(Known::default());
    };
    let whole =
        |body: &[u8]| serde_json::from_slice::<Map<String, Value>>(body).map_err(|error| describe_json_error(&error));
    match asks(write) {
        Asks::Nothing => Ok(Known::default()),
        Asks::Own(kind) => Ok(Known { own: Some(each::present_id(http, kind, id).await?), ..Known::default() }),
        Asks::Object(_) => {
            let select = match write {
                Write::Call { property, .. } => format!("?$select=id,{property}"),
                Write::Unlink { link, .. } => format!("?$select=id,{link}"),
                _ => String::new(),
            };
            let url = http.base.join(&format!("{}{}{select}", kind.api.segment(), object(kind, id)?))?;
            let live = http.run(&Request::get(url, kind.permissions.read), whole).await?;
            Ok(Known { live, ..Known::default() })
        }
        Asks::Part(kind, find) => match write {
            Write::Link { value, .. } => {
                let found = part(http, kind, id, find, value).await?;
                Ok(Known { found: Some(found), ..Known::default() })
            }
            _ => Ok(Known::default()),
        },
        Asks::Target(ends) => {
            let (Write::Link { value: Value::String(target), .. } | Write::Unlink { child: target, .. }) = write else {
                return Ok(Known::default());
            };
            // The type of the target is in `@odata.type`: <https://learn.microsoft.com/graph/api/directoryobject-get>
            let url = http.base.join(&format!("/v1.0/directoryObjects/{}", segment(target)?))?;
            let found = http.run(&Request::get(url, kind.permissions.read), whole).await?;
            let ty = found.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
            let is =
                |end: &&End| kinds::by_name(end.kind).is_some_and(|kind| ty.ends_with(&format!(".{}", kind.entity)));
            Ok(Known { target: ends.iter().find(is).map(|end| end.kind), ..Known::default() })
        }
    }
}

/// Returns the present id of the part that `child` of the object `id` names by an unchanging property.
async fn part(http: &Http, kind: &'static Kind, id: &str, find: &Find, child: &Value) -> Result<String, TenantError> {
    let read = kind.permissions.read;
    let whole = |body: &[u8]| serde_json::from_slice::<Value>(body).map_err(|error| describe_json_error(&error));
    let own = format!("{}{}?$expand={}", kind.api.segment(), object(kind, id)?, kind.expand.join(","));
    let parent = http.run(&Request::get(http.base.join(&own)?, read), whole).await?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (of, by) = (text(parent.pointer(find.of)), text(child.pointer(find.at).and_then(|part| part.get(find.by))));
    let filter = format!("{}%20eq%20{}", find.by, literal(&by));
    let list = find.list.replace("{of}", &segment(&of)?);
    let request = Request::get(http.base.join(&format!("{}{list}?$filter={filter}", kind.api.segment()))?, read);
    let found = http.run(&request, whole).await?;
    found.pointer("/value/0/id").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| TenantError::NotFound {
        request: request.label(),
        message: format!("nothing there has the {} {by}", find.by),
    })
}

/// Tells what the answer to a request says of it. Graph answers 201 whatever becomes of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RequestOutcome {
    /// It is carried out. So is every write that is no request.
    Done,
    /// It will not be carried out; the status says why.
    NotDone(String),
    /// It waits: for the service, or for somebody to approve it.
    Waiting(String),
}

impl RequestOutcome {
    fn into_error(self, request: String) -> Option<TenantError> {
        match self {
            RequestOutcome::Done => None,
            RequestOutcome::NotDone(status) => Some(TenantError::Refused {
                request,
                status: 201,
                code: status,
                message: "the request was taken, and then not carried out".to_owned(),
            }),
            RequestOutcome::Waiting(status) => Some(TenantError::Waiting { request, status }),
        }
    }
}

/// Returns what `value`, the answer to `write`, says of a request.
fn outcome_of(write: &Write, value: &Map<String, Value>) -> RequestOutcome {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match write {
        // The states in which a request ends: a request to assign that was canceled was not carried out.
        // <https://learn.microsoft.com/graph/api/resources/request>
        Write::Create { kind, .. } | Write::Update { kind, .. } | Write::Delete { kind, .. }
            if kind.requests.is_some() =>
        {
            let removes = matches!(write, Write::Delete { .. });
            match text("status") {
                "Failed" | "Denied" | "AdminDenied" => RequestOutcome::NotDone(text("status").to_owned()),
                "Canceled" if !removes => RequestOutcome::NotDone("Canceled".to_owned()),
                status if status.starts_with("Pending") => RequestOutcome::Waiting(status.to_owned()),
                _ => RequestOutcome::Done,
            }
        }
        // A request can be accepted and then fail: <https://learn.microsoft.com/graph/api/resources/accesspackageresourcerequest>
        _ if text("state") == "deliveryFailed" => RequestOutcome::NotDone("deliveryFailed".to_owned()),
        _ => RequestOutcome::Done,
    }
}

/// Returns the answer with the id of the new object under `id`. A schedule that was changed is a new object.
fn with_new_id(write: &Write, mut value: Map<String, Value>) -> Map<String, Value> {
    let (kind, body) = match write {
        Write::Create { kind, body } => (kind, body),
        Write::Update { kind, body, .. } if kind.requests.is_some() => (kind, body),
        _ => return value,
    };
    let id = match (kind.requests, kind.creation) {
        (Some(requests), _) => value.get(requests.target).cloned(),
        (None, Creation::AtId(_)) => body.get("id").cloned(),
        _ => value.get(kind.key).cloned(),
    };
    match id.filter(Value::is_string) {
        Some(id) => _ = value.insert("id".to_owned(), id),
        // The id of the request is not that of the schedule.
        None if kind.requests.is_some() => _ = value.remove("id"),
        None => {}
    }
    value
}

fn remember(recent: &Recent, write: &Write, value: Option<&Map<String, Value>>) {
    match (write, value) {
        // All ids count, not only the object's own: a service principal refers to the application's `appId`.
        (Write::Create { .. }, Some(value)) => {
            let ids = value.values().filter_map(Value::as_str).filter(|text| uuid::Uuid::try_parse(text).is_ok());
            recent.add(ids.map(str::to_owned));
        }
        (Write::Update { kind, .. }, Some(value)) if kind.requests.is_some() => {
            recent.add(value.get("id").and_then(Value::as_str).map(str::to_owned));
        }
        (Write::Restore { id, .. }, _) => recent.add([id.clone()]),
        // A resource that was added to a catalog is later named by the access packages that take it in.
        (Write::Link { kind, link, value: Value::Object(child), .. }, _)
            if kind.link(link).and_then(|link| link.children()).is_some_and(|children| children.requests.is_some()) =>
        {
            let ids = child.values().filter_map(Value::as_str).filter(|text| uuid::Uuid::try_parse(text).is_ok());
            recent.add(ids.map(str::to_owned));
        }
        _ => {}
    }
}

/// Returns true if the effect of a refused write is there already.
async fn is_done(http: &Http, write: &Write, error: &TenantError) -> Result<bool, TenantError> {
    Ok(match (write, error) {
        (Write::Link { kind, link, .. }, TenantError::Refused { status: 400, message, .. })
            if kind.link(link).is_some_and(|link| link.shape == LinkShape::References) =>
        {
            message.contains("added object references already exist")
        }
        // The child is there already: the first attempt created it.
        (Write::Link { kind, link, .. }, TenantError::Refused { status: 400 | 409, message, .. }) => {
            matches!(kind.link(link).map(|link| link.shape), Some(LinkShape::Children(_)))
                && message.contains("already exists")
        }
        (Write::Unlink { .. } | Write::Delete { .. }, TenantError::NotFound { .. }) => !is_no_path(error),
        // Every request is a separate one: one whose answer was lost is looked for, never sent again.
        (Write::Delete { kind, id }, TenantError::Unknown { .. } | TenantError::Waiting { .. })
            if kind.requests.is_some() =>
        {
            !exists(http, kind, id).await?
        }
        // If the object is not in the recycle bin, an attempt whose answer was lost may have restored it.
        (Write::Restore { kind, id }, TenantError::NotFound { .. } | TenantError::Refused { .. }) => {
            exists(http, kind, id).await?
        }
        _ => false,
    })
}

/// Returns true if a 404 is about the path, and not about the object: "The OData path is invalid".
fn is_no_path(error: &TenantError) -> bool {
    matches!(error, TenantError::NotFound { message, .. } if message.contains("path is invalid"))
}

async fn exists(http: &Http, kind: &'static Kind, id: &str) -> Result<bool, TenantError> {
    let url = http.base.join(&format!("{}{}?$select={}", kind.api.segment(), object(kind, id)?, kind.key))?;
    match http.run(&Request::get(url, kind.permissions.read), |_| Ok(())).await {
        Ok(()) => Ok(true),
        Err(TenantError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Adds properties that Graph demands at creation and nobody can export.
fn generate(kind: &Kind, body: &mut Map<String, Value>) {
    let Creation::Post { generates, .. } = kind.creation else { return };
    for generated in generates {
        match generated {
            // <https://learn.microsoft.com/graph/api/resources/passwordprofile>
            Generated::PasswordProfile => {
                body.insert(
                    "passwordProfile".to_owned(),
                    json!({"password": password(), "forceChangePasswordNextSignIn": true}),
                );
            }
        }
    }
}

/// Returns a random password: 244 random bits from the operating system, and one character of each sort that a password policy
/// may ask for.
fn password() -> String {
    let bits = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
    format!("{}.aA1", URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn only_ids_of_what_was_made_are_remembered() {
        let recent = Recent::default();
        let made = json!({"id": "6a46cf97-e63a-4216-8572-04331c277457", "displayName": "x"});
        let kind = crate::kinds::by_name("group").unwrap();
        remember(&recent, &Write::Create { kind, body: Map::new() }, made.as_object());
        assert!(recent.has("6a46cf97-e63a-4216-8572-04331c277457") && !recent.has("x"));
    }

    #[test]
    fn passwords_are_long_and_all_different() {
        let all: HashSet<String> = (0..100).map(|_| password()).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|word| word.len() >= 24 && word.len() <= 256));
    }
}
