//! Settings of a workspace: its defaults, and what is kept of its prompts.

use app::types::organizations::{IoLoggingTerms, Workspace, WorkspaceWish};

use super::caller::Caller;
use super::organizations::checked_name;
use crate::App;
use crate::clock::rfc3339;
use crate::error::{Error, Result};
use crate::store::keys::KeyScope;
use crate::store::workspaces::WorkspaceRow;

const SORTS: [&str; 4] = ["price", "throughput", "latency", "exacto"];

/// A workspace on the wire.
pub(super) fn shown(app: &App, row: WorkspaceRow) -> Workspace {
    let hashes: Option<Vec<String>> =
        row.io_key_hashes.as_deref().map(|list| serde_json::from_str(list).unwrap_or_default());
    let rate = |per_myriad: i64| f64::from(i32::try_from(per_myriad).unwrap_or(10_000)) / 10_000.0;
    let settings = &app.config.prompt_logs;
    Workspace {
        io_logging_retention_days: retention_days(app, &row),
        default_guardrail_id: row.id.clone(),
        id: row.id,
        name: row.name,
        slug: row.slug,
        description: row.description,
        default_text_model: row.default_text_model,
        default_image_model: row.default_image_model,
        default_provider_sort: row.default_provider_sort,
        include_byok_in_budgets: row.include_byok_in_budgets != 0,
        is_observability_io_logging_enabled: row.logs_io != 0,
        is_observability_broadcast_enabled: row.broadcasts != 0,
        is_data_discount_logging_enabled: row.shares_io != 0,
        io_logging_sampling_rate: rate(row.io_per_myriad),
        io_logging_api_key_ids: hashes.as_ref().map(|list| list.iter().map(|hash| key_number(hash)).collect()),
        created_at: rfc3339(row.created_at),
        updated_at: row.updated_at.map(rfc3339),
        created_by: row.created_by,
        is_default: row.is_default != 0,
        io_logging_api_key_hashes: hashes,
        io_logging_terms: IoLoggingTerms {
            is_available: app.vault.has_key(),
            most_days: settings.most_days.into(),
            discount_percent: f64::from(settings.let_off()) / 100.0,
        },
    }
}

/// Takes a wish over. Returns how prompts are kept from now on, where that changed.
///
/// # Errors
/// 400 naming the field, 403 when keeping prompts is to change and the password was not
/// given lately.
pub(super) async fn apply(
    app: &App,
    caller: &Caller,
    row: &mut WorkspaceRow,
    wish: WorkspaceWish,
) -> Result<Option<String>> {
    let before = logging(app, row);
    apply_logging(app, caller, row, &wish).await?;
    let after = logging(app, row);
    if before != after {
        caller.check_recent(app)?;
    }
    apply_rest(app, row, wish)?;
    Ok((before != after).then_some(after))
}

/// How prompts are kept, for the audit log.
fn logging(app: &App, row: &WorkspaceRow) -> String {
    let keys = row.io_key_hashes.as_ref().map_or("all keys", |_| "some keys");
    let flag = |value: i64| if value == 0 { "off" } else { "on" };
    format!(
        "prompts kept: {}, {} of 10000 requests, {keys}, {} days, operator may use them: {}; events sent: {}",
        flag(row.logs_io),
        row.io_per_myriad,
        retention_days(app, row),
        flag(row.shares_io),
        flag(row.broadcasts)
    )
}

/// Days after which what a workspace keeps is deleted.
pub(super) fn retention_days(app: &App, row: &WorkspaceRow) -> i64 {
    if row.io_retention_days > 0 { row.io_retention_days } else { app.config.prompt_logs.usual_days.into() }
}

/// The number a key goes by in `io_logging_api_key_ids`: the first 52 bits of its hash,
/// which a JSON number holds exactly.
#[must_use]
pub fn key_number(hash: &str) -> i64 {
    hash.get(..13).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

/// A part between 0.0001 and 1 as so many of ten thousand.
///
/// # Errors
/// 400 out of range.
pub(super) fn per_myriad(field: &'static str, rate: f64) -> Result<i64> {
    if !(0.0001..=1.0).contains(&rate) {
        return Err(Error::bad_request(field, format!("{field} must be 0.0001 to 1; 1 is every request")));
    }
    let parts = format!("{:.0}", rate * 10_000.0);
    Ok(parts.parse().unwrap_or(10_000))
}

async fn apply_logging(app: &App, caller: &Caller, row: &mut WorkspaceRow, wish: &WorkspaceWish) -> Result<()> {
    let set = |flag: &mut i64, wanted: Option<bool>| *flag = wanted.map_or(*flag, i64::from);
    if wish.is_observability_io_logging_enabled == Some(true) && !app.vault.has_key() {
        let remedy = "This server has no key to encrypt prompts with: its operator has to set secrets.key.";
        return Err(Error::bad_request("is_observability_io_logging_enabled", remedy));
    }
    set(&mut row.logs_io, wish.is_observability_io_logging_enabled);
    set(&mut row.shares_io, wish.is_data_discount_logging_enabled);
    set(&mut row.broadcasts, wish.is_observability_broadcast_enabled);
    if let Some(rate) = wish.io_logging_sampling_rate {
        row.io_per_myriad = per_myriad("io_logging_sampling_rate", rate)?;
    }
    if let Some(days) = wish.io_logging_retention_days {
        let most = i64::from(app.config.prompt_logs.most_days);
        if !(1..=most).contains(&days) {
            let message = format!("io_logging_retention_days must be 1 to {most}");
            return Err(Error::bad_request("io_logging_retention_days", message));
        }
        row.io_retention_days = days;
    }
    match (&wish.io_logging_api_key_hashes, &wish.io_logging_api_key_ids) {
        (Some(None), _) | (None, Some(None)) => row.io_key_hashes = None,
        (None, None) => {}
        (Some(Some(hashes)), _) => {
            let known = own_hashes(app, caller, &row.id).await?;
            let unknown = hashes.iter().find(|hash| !known.contains(hash));
            if let Some(hash) = unknown {
                let message = format!("io_logging_api_key_hashes: no key of this workspace has the hash `{hash}`");
                return Err(Error::bad_request("io_logging_api_key_hashes", message));
            }
            row.io_key_hashes = stored(hashes);
        }
        (None, Some(Some(numbers))) => {
            let known = own_hashes(app, caller, &row.id).await?;
            let mut hashes = Vec::new();
            for number in numbers {
                let hash = known.iter().find(|hash| key_number(hash) == *number);
                let message = || format!("io_logging_api_key_ids: no key of this workspace has the id {number}");
                let hash = hash.ok_or_else(|| Error::bad_request("io_logging_api_key_ids", message()))?;
                hashes.push(hash.clone());
            }
            row.io_key_hashes = stored(&hashes);
        }
    }
    Ok(())
}

/// An empty list restricts nothing.
fn stored(hashes: &[String]) -> Option<String> {
    (!hashes.is_empty()).then(|| serde_json::to_string(hashes).unwrap_or_default())
}

async fn own_hashes(app: &App, caller: &Caller, workspace_id: &str) -> Result<Vec<String>> {
    let scope = KeyScope { workspace_id: workspace_id.to_owned(), ..KeyScope::default() };
    let keys = app.store.keys_of(caller.organization_id(), &scope, 10_000, 0).await?;
    Ok(keys.into_iter().map(|key| key.hash).collect())
}

fn apply_rest(app: &App, row: &mut WorkspaceRow, wish: WorkspaceWish) -> Result<()> {
    if let Some(name) = wish.name {
        row.name = checked_name(&name)?;
    }
    if let Some(slug) = wish.slug {
        row.slug = checked_slug(&slug)?;
    }
    if let Some(description) = wish.description {
        row.description = description.filter(|text| !text.is_empty()).map(|text| text.chars().take(1_000).collect());
    }
    if let Some(model) = wish.default_text_model {
        row.default_text_model = checked_model(app, "default_text_model", model)?;
    }
    if let Some(model) = wish.default_image_model {
        row.default_image_model = checked_model(app, "default_image_model", model)?;
    }
    if let Some(sort) = wish.default_provider_sort {
        let sort = sort.filter(|sort| !sort.is_empty());
        if let Some(sort) = sort.as_deref().filter(|sort| !SORTS.contains(sort)) {
            let message = format!("default_provider_sort `{sort}` is unknown; use one of {}", SORTS.join(", "));
            return Err(Error::bad_request("default_provider_sort", message));
        }
        row.default_provider_sort = sort;
    }
    Ok(())
}

fn checked_model(app: &App, field: &str, model: Option<String>) -> Result<Option<String>> {
    let Some(name) = model.filter(|name| !name.trim().is_empty()) else { return Ok(None) };
    let known = app.catalog().model(name.trim()).map(|model| model.id.clone());
    let message = || format!("{field}: no model is called `{name}`. GET /api/v1/models lists the models.");
    known.map(Some).ok_or_else(|| Error::bad_request(field, message()))
}

fn checked_slug(slug: &str) -> Result<String> {
    let is_right = (1..=50).contains(&slug.len())
        && slug.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if is_right {
        return Ok(slug.to_owned());
    }
    let remedy = "slug must have 1 to 50 lower-case letters and digits, with single hyphens between: `research-eu`";
    Err(Error::bad_request("slug", remedy))
}

/// A slug from a name.
pub(super) fn slug_of(name: &str) -> String {
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-").chars().take(50).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_names_and_checked() {
        assert_eq!(slug_of("Research & Development (EU)"), "research-development-eu");
        assert!(checked_slug("research-eu").is_ok());
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "ä"] {
            assert!(checked_slug(bad).is_err(), "{bad}");
        }
    }
}
