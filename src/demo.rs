//! Demo mode: a person, an organization with credit, a key, and traffic of the
//! last days (`demo_days`, 60), so that every page has something to show. Everything is marked
//! as simulated.

use std::sync::Arc;

use app::types::Money;
use app::types::labels::is_about_code;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::App;
use crate::accounts::{keys, new_id};
use crate::catalog::{Endpoint, Model};
use crate::clock::{MS_PER_DAY, MS_PER_HOUR};
use crate::dialects::Usage;
use crate::rankings::app_categories;
use crate::store::generations::GenerationRow;
use crate::store::keys::{KeyRow, KeyScope};

/// Who signs in to the demo.
pub const EMAIL: &str = "demo@patchbay.example";
/// Known to everybody, which is why a demo listens on loopback only unless told otherwise.
pub const PASSWORD: &str = "patchbay-demo";
/// Requests on the last day of the seeded traffic; the first day has a third of them.
const BUSIEST: i64 = 220;
const SEED_NODE: &str = "seed";

/// Invented apps, with their share of the traffic and what they are for.
const APPS: [(&str, &str, u32, &str); 9] = [
    ("https://foxglove-code.example", "Foxglove Code", 30, "cli-agent,ide-extension"),
    ("https://harbor-notes.example", "Harbor Notes", 18, "writing-assistant"),
    ("https://lantern-research.example", "Lantern Research", 14, "personal-agent"),
    ("https://tidepool-chat.example", "Tidepool Chat", 11, "general-chat"),
    ("https://quillwright.example", "Quillwright", 8, "creative-writing"),
    ("https://atlas-support.example", "Atlas Support Desk", 7, "general-chat"),
    ("https://paperlark.example", "Paperlark", 5, "legal,writing-assistant"),
    ("https://brackish-games.example", "Brackish Games", 3, "game,roleplay"),
    ("", "", 4, ""),
];

/// What was asked for, with shares.
const TASKS: [(&str, u32); 12] = [
    ("code:general_impl", 24),
    ("agent:coding", 20),
    ("code:debugging", 11),
    ("general:conversation", 14),
    ("general:writing", 9),
    ("general:summarization", 6),
    ("general:translation", 5),
    ("data:extraction", 5),
    ("agent:tool_use", 5),
    ("general:roleplay", 4),
    ("data:analysis", 3),
    ("general:math", 2),
];

/// What questions are about that are neither programs, nor translations, nor played roles, with shares.
const CATEGORIES: [(&str, u32); 10] = [
    ("", 30),
    ("technology", 16),
    ("science", 12),
    ("academia", 10),
    ("marketing", 8),
    ("health", 7),
    ("finance", 6),
    ("legal", 5),
    ("trivia", 4),
    ("marketing/seo", 2),
];

/// Languages of the questions, with shares.
const LANGUAGES: [(&str, u32); 10] =
    [("en", 58), ("zh", 9), ("es", 7), ("de", 6), ("fr", 5), ("ja", 4), ("pt", 4), ("ru", 3), ("ko", 2), ("it", 2)];

/// What to print after the start.
pub struct Login {
    pub email: &'static str,
    pub password: &'static str,
    pub key: String,
}

/// Makes the demo's account and traffic if they are missing, and a fresh key.
///
/// # Errors
/// A sentence that says what could not be made.
pub async fn prepare(app: &Arc<App>) -> anyhow::Result<Login> {
    let user = match app.store.user_by_email(EMAIL).await? {
        Some(user) => user,
        None => {
            app.users
                .sign_up("Demo", EMAIL, PASSWORD, true)
                .await
                .map_err(|e| anyhow::anyhow!("demo account: {e}"))?
                .user
        }
    };
    let membership = app
        .store
        .first_membership(&user.id)
        .await?
        .ok_or_else(|| anyhow::anyhow!("the demo user has no organization"))?;
    let organization_id = membership.organization_id.clone();
    app.ledger
        .grant(&format!("demo:{organization_id}"), &organization_id, Money::from_dollars(500), "Demo credit")
        .await;
    let key = fresh_key(app, &user.id, &organization_id, &membership.workspace_id).await?;
    if app.store.last_seq(SEED_NODE).await? == 0 {
        seed_traffic(app, &organization_id, &membership.workspace_id).await?;
    }
    Ok(Login { email: EMAIL, password: PASSWORD, key })
}

/// The key of the last start is replaced: its text is not known any more.
async fn fresh_key(app: &App, user_id: &str, organization_id: &str, workspace_id: &str) -> anyhow::Result<String> {
    const NAME: &str = "Demo key";
    let now = app.clock.now_ms();
    for mut old in app.store.keys_of(organization_id, &KeyScope::default(), 100, 0).await? {
        if old.name == NAME {
            old.deleted_at = Some(now);
            old.updated_at = now;
            app.store.update_key(&old).await?;
            app.keys.forget(&old.hash);
        }
    }
    let fresh = keys::generate();
    let row = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name: NAME.to_owned(),
        organization_id: organization_id.to_owned(),
        workspace_id: workspace_id.to_owned(),
        creator_user_id: Some(user_id.to_owned()),
        created_at: now,
        updated_at: now,
        ..KeyRow::default()
    };
    app.store.insert_key(&row).await?;
    Ok(fresh.text)
}

/// Writes the days of requests with the charges that belong to them, so that the
/// books of the demo add up like any others.
async fn seed_traffic(app: &Arc<App>, own_organization: &str, workspace_id: &str) -> anyhow::Result<()> {
    let catalog = app.catalog();
    let mut offers: Vec<(Arc<Model>, Arc<Endpoint>)> = Vec::new();
    let writes = |model: &&Arc<Model>| model.architecture.output_modalities.iter().any(|kind| kind == "text");
    for model in catalog.models.values().filter(writes) {
        offers.extend(model.endpoints.iter().filter(|e| e.is_simulated).map(|e| (Arc::clone(model), Arc::clone(e))));
    }
    if offers.is_empty() {
        return Ok(());
    }
    let rows = traffic(app, &offers, own_organization, workspace_id);
    let count = rows.len();
    for chunk in rows.chunks(2_000) {
        write_chunk(app, chunk).await?;
    }
    for (url, _, _, list) in APPS {
        app_categories::note(app, url, list).await;
    }
    while app.store.fold_generations().await? > 0 {}
    tracing::info!(requests = count, days = app.config.demo_days, "Seeded simulated traffic");
    Ok(())
}

fn traffic(
    app: &App,
    offers: &[(Arc<Model>, Arc<Endpoint>)],
    own_organization: &str,
    workspace_id: &str,
) -> Vec<GenerationRow> {
    // The same traffic on every machine.
    let mut rng = StdRng::seed_from_u64(0x5EED);
    let now = app.clock.now_ms();
    let today = now.div_euclid(MS_PER_DAY);
    let catalog = app.catalog();
    let mut rows = Vec::new();
    let days = i64::from(app.config.demo_days);
    for day in today - days..=today {
        let age = today - day;
        let is_weekend = (day + 3).rem_euclid(7) >= 5;
        let busy = BUSIEST - (BUSIEST * 2 / 3) * age / days;
        let requests = if is_weekend { busy * 2 / 3 } else { busy } + rng.random_range(-15..15);
        for _ in 0..requests.max(5) {
            // More by day than by night.
            let hour = i64::midpoint(rng.random_range(0..24), rng.random_range(0..24));
            let created_at = day * MS_PER_DAY + hour * MS_PER_HOUR + rng.random_range(0..MS_PER_HOUR);
            if created_at >= now {
                continue;
            }
            // Squaring favours the first models; newer days favour them more.
            let draw: f64 = rng.random_range(0.0..1.0);
            let position = pick(draw * draw, offers.len());
            let Some((model, endpoint)) = offers.get(position) else { continue };
            let provider = catalog.provider(&endpoint.provider_slug);
            let row = request(&mut rng, created_at, model, endpoint);
            let sees = model.architecture.input_modalities.iter().any(|kind| kind == "image");
            let images = if sees && row.prompt_tokens % 9 == 0 { 1 + row.completion_tokens % 3 } else { 0 };
            let is_own = rng.random_range(0..5) == 0;
            let task = drawn(&mut rng, &TASKS);
            rows.push(GenerationRow {
                task: task.to_owned(),
                prompt_images: images,
                prompt_media: images,
                category: category(&mut rng, task).to_owned(),
                language: drawn(&mut rng, &LANGUAGES).to_owned(),
                organization_id: if is_own { own_organization.to_owned() } else { "seeded-traffic".to_owned() },
                workspace_id: if is_own { workspace_id.to_owned() } else { String::new() },
                provider_name: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
                seq: i64::try_from(rows.len()).unwrap_or(0) + 1,
                ..row
            });
        }
    }
    rows
}

fn category(rng: &mut StdRng, task: &str) -> &'static str {
    match task {
        code if is_about_code(code) => "programming",
        "general:translation" => "translation",
        "general:roleplay" => "roleplay",
        _ => drawn(rng, &CATEGORIES),
    }
}

/// One of a list, by the shares.
fn drawn(rng: &mut StdRng, list: &[(&'static str, u32)]) -> &'static str {
    let mut ticket = rng.random_range(0..list.iter().map(|(_, share)| share).sum::<u32>());
    let mut entries = list.iter();
    let entry = entries.find(|(_, share)| {
        let is_it = ticket < *share;
        ticket = ticket.saturating_sub(*share);
        is_it
    });
    entry.map_or("", |(name, _)| *name)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index below a small length"
)]
fn pick(share: f64, length: usize) -> usize {
    ((share * length as f64) as usize).min(length.saturating_sub(1))
}

fn request(rng: &mut StdRng, created_at: i64, model: &Model, endpoint: &Endpoint) -> GenerationRow {
    let mut ticket = rng.random_range(0..APPS.iter().map(|(_, _, share, _)| share).sum::<u32>());
    let (app_url, app_title, ..) = APPS
        .into_iter()
        .find(|(_, _, share, _)| {
            let is_it = ticket < *share;
            ticket = ticket.saturating_sub(*share);
            is_it
        })
        .unwrap_or(("", "", 0, ""));
    let is_failed = rng.random_range(0..120) == 0;
    let prompt_tokens: u64 = rng.random_range(200..9_000);
    let completion_tokens: u64 = if is_failed { 0 } else { rng.random_range(40..2_200) };
    let cached_tokens = if rng.random_range(0..3) == 0 { prompt_tokens / 2 } else { 0 };
    let usage = Usage {
        prompt_tokens: Some(prompt_tokens),
        completion_tokens: Some(completion_tokens),
        cached_tokens: Some(cached_tokens),
        ..Usage::default()
    };
    let cost = if is_failed { 0 } else { endpoint.prices.cost(&usage).total.0 };
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(0);
    let latency_ms = rng.random_range(180..1_900);
    GenerationRow {
        id: format!("gen-{}-{}", created_at / 1_000, new_id(created_at)),
        node_id: SEED_NODE.to_owned(),
        created_at,
        requested_model: model.id.clone(),
        model_id: model.id.clone(),
        endpoint_id: endpoint.id.clone(),
        provider_slug: endpoint.provider_slug.clone(),
        is_simulated: 1,
        price_id: endpoint.price_id.clone(),
        app_url: app_url.to_owned(),
        app_title: app_title.to_owned(),
        api_type: "completions".to_owned(),
        is_streamed: i64::from(rng.random_range(0..10) < 8),
        prompt_tokens: count(prompt_tokens),
        completion_tokens: count(completion_tokens),
        cached_tokens: count(cached_tokens),
        cost_nanos: cost,
        upstream_cost_nanos: cost,
        finish_reason: Some(if is_failed { "error" } else { "stop" }.to_owned()),
        latency_ms: Some(latency_ms),
        generation_ms: Some(latency_ms + count(completion_tokens) * 12),
        attempts: "[]".to_owned(),
        status: if is_failed { 502 } else { 200 },
        error: is_failed.then(|| "the simulated provider failed".to_owned()),
        ..GenerationRow::default()
    }
}

/// Grants what the requests of a chunk cost, then charges it, so that the seeded
/// traffic leaves every balance as it was.
async fn write_chunk(app: &App, rows: &[GenerationRow]) -> anyhow::Result<()> {
    let mut spent: std::collections::BTreeMap<&str, i64> = std::collections::BTreeMap::new();
    for row in rows {
        *spent.entry(row.organization_id.as_str()).or_default() += row.cost_nanos;
    }
    let first = rows.first().map(|row| row.seq).unwrap_or_default();
    for (organization_id, nanos) in spent {
        let id = format!("seed:{organization_id}:{first}");
        app.ledger.grant(&id, organization_id, Money(nanos), "Credit for the seeded traffic").await;
    }
    app.ledger.import(rows.to_vec()).await.ok_or_else(|| anyhow::anyhow!("the ledger did not take the seeded traffic"))
}
