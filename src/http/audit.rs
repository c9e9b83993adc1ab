//! The audit log: what was done in an organization, by whom and from where.

use std::fmt::Write as _;
use std::sync::Arc;

use app::types::Envelope;
use app::types::organizations::AuditEvent;
use app::types::roles::Permission;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::address::Origin;
use super::caller::Caller;
use super::input::Query;
use crate::App;
use crate::accounts::new_id;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::error::{Error, Result};
use crate::store::organizations::{AuditFilter, AuditRow};

/// Lines of an export.
const MOST_EXPORTED: i64 = 50_000;

/// What was done, to what.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// `noun.verb`.
    pub action: &'a str,
    /// The id or address of what it was done to.
    pub target: &'a str,
    /// What changed, in words.
    pub detail: &'a str,
}

/// Writes a line for what a caller did in his organization.
///
/// # Errors
/// Any database error.
pub async fn note(app: &App, caller: &Caller, origin: &Origin, deed: Deed<'_>) -> Result<()> {
    let (kind, id, name) = match caller {
        Caller::Key(key) => ("key", key.id.as_str(), key.name.as_str()),
        Caller::Person { user, .. } => ("user", user.id.as_str(), user.email.as_str()),
    };
    note_as(app, caller.organization_id(), (kind, id, name), origin, deed).await
}

/// Writes a line for an actor given by kind, id and name.
///
/// # Errors
/// Any database error.
pub async fn note_as(
    app: &App,
    organization_id: &str,
    (kind, id, name): (&str, &str, &str),
    origin: &Origin,
    deed: Deed<'_>,
) -> Result<()> {
    let now = app.clock.now_ms();
    let row = AuditRow {
        id: new_id(now),
        organization_id: organization_id.to_owned(),
        created_at: now,
        actor_kind: kind.to_owned(),
        actor_id: id.to_owned(),
        actor_name: name.to_owned(),
        action: deed.action.to_owned(),
        target: deed.target.to_owned(),
        detail: deed.detail.to_owned(),
        address: origin.address(),
        user_agent: origin.user_agent.clone(),
    };
    Ok(app.store.insert_audit(&row).await?)
}

/// Query of `GET /organization/audit-log`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// The start of the action, such as `member.`.
    pub action: String,
    /// An actor's id.
    pub actor: String,
    /// RFC 3339.
    pub from: String,
    pub to: String,
    /// The last id seen.
    pub before: String,
    pub limit: Option<i64>,
    /// `csv` exports all lines that fit.
    pub format: String,
}

impl AuditQuery {
    /// What of it the store is asked.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn filter(self) -> Result<AuditFilter> {
        let is_csv = self.is_csv();
        let limit = self.limit.unwrap_or(if is_csv { MOST_EXPORTED } else { 50 });
        if !(1..=if is_csv { MOST_EXPORTED } else { 500 }).contains(&limit) {
            return Err(Error::bad_request("limit", "limit must be 1 to 500"));
        }
        let time = |field: &str, text: &str, missing: i64| {
            if text.is_empty() {
                return Ok(missing);
            }
            // A form gives a day.
            let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
            let remedy = format!("{field} must be a time such as 2027-01-31T00:00:00Z or a day such as 2027-01-31");
            parse_rfc3339(&whole).ok_or_else(|| Error::bad_request(field, remedy))
        };
        Ok(AuditFilter {
            from: time("from", &self.from, 0)?,
            to: time("to", &self.to, i64::MAX)?,
            // A pattern's own signs are taken as they are.
            action: self.action.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect(),
            actor: self.actor,
            before: self.before,
            limit,
        })
    }

    fn is_csv(&self) -> bool {
        self.format == "csv"
    }
}

/// `GET /api/v1/organization/audit-log` (ours).
///
/// # Errors
/// 400 naming the field, 403 without the right.
pub async fn list_audit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Response> {
    caller.check(Permission::SeeAudit)?;
    let is_csv = query.is_csv();
    let rows = app.store.audit(caller.organization_id(), &query.filter()?).await?;
    if is_csv {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"audit-log.csv\"")),
        ];
        return Ok((headers, csv(&rows)).into_response());
    }
    let data: Vec<AuditEvent> = rows.into_iter().map(shown).collect();
    Ok(Json(Envelope { data }).into_response())
}

/// A line on the wire.
#[must_use]
pub fn shown(row: AuditRow) -> AuditEvent {
    AuditEvent {
        id: row.id,
        created_at: rfc3339(row.created_at),
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        actor_name: row.actor_name,
        action: row.action,
        target: row.target,
        detail: row.detail,
        address: row.address,
        user_agent: row.user_agent,
    }
}

fn csv(rows: &[AuditRow]) -> String {
    let mut out = String::from("time,actor_kind,actor_id,actor,action,target,detail,address,user_agent\r\n");
    for row in rows {
        let fields = [
            &rfc3339(row.created_at),
            &row.actor_kind,
            &row.actor_id,
            &row.actor_name,
            &row.action,
            &row.target,
            &row.detail,
            &row.address,
            &row.user_agent,
        ];
        let line: Vec<String> = fields.into_iter().map(|text| csv_field(text)).collect();
        let _ = write!(out, "{}\r\n", line.join(","));
    }
    out
}

/// A field that a spreadsheet does not take for a formula (ASVS 1.2.10).
fn csv_field(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        assert_eq!(csv_field("=1+1"), "\"'=1+1\"");
        assert_eq!(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
    }
}
