//! A day of requests through one router. Events are taken in the order of their time,
//! so that what is under way weighs on what comes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use patchbay::App;
use patchbay::catalog::import;
use patchbay::clock::Clock;
use patchbay::config::{Config, Demo, ProviderSettings};
use patchbay::dialects::chat_completions::parse::parse;
use patchbay::dialects::{FaultKind, Inference};
use patchbay::gateway::health::Ticket;
use patchbay::gateway::route;
use patchbay::store::Store;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use crate::world::{Attempt, DAY_MS, ENDPOINTS, HOUR_MS, OUTPUT_TOKENS, PROMPT_TOKENS, World, as_f64};

/// Attempts a request has, with every router.
const ATTEMPTS: usize = 3;
/// Epoch ms the day begins at.
const MIDNIGHT: i64 = 1_780_000_000_000;

/// Who chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    OursByPrice,
    OursByLatency,
    OursByThroughput,
    Cheapest,
    RoundRobin,
    Random,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursByPrice,
        Self::OursByLatency,
        Self::OursByThroughput,
        Self::Cheapest,
        Self::RoundRobin,
        Self::Random,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "Patchbay, default",
            Self::OursByPrice => "Patchbay, sort: price",
            Self::OursByLatency => "Patchbay, sort: latency",
            Self::OursByThroughput => "Patchbay, sort: throughput",
            Self::Cheapest => "cheapest first",
            Self::RoundRobin => "round robin",
            Self::Random => "random",
        }
    }

    pub const fn is_ours(self) -> bool {
        !matches!(self, Self::Cheapest | Self::RoundRobin | Self::Random)
    }

    fn question(self) -> Value {
        let sort = match self {
            Self::OursByPrice => "price",
            Self::OursByLatency => "latency",
            Self::OursByThroughput => "throughput",
            _ => return json!({}),
        };
        json!({ "sort": sort })
    }
}

/// How one request ended.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// ms of the day it came at.
    pub at_ms: i64,
    /// ms to its last token or its failure, all attempts included.
    pub took_ms: i64,
    /// USD; `None` when it failed.
    pub cost: Option<f64>,
}

/// One request under way.
struct Run {
    at_ms: i64,
    order: Vec<usize>,
    next: usize,
    tries: usize,
    ticket: Option<Ticket>,
    /// What the attempt under way will come to: endpoint, begin, outcome.
    attempt: Option<(usize, i64, Attempt)>,
    /// When the first token must be there, ms.
    limit_ms: i64,
}

struct Day<'a> {
    kind: Kind,
    world: &'a World,
    app: Arc<App>,
    clock: Clock,
    inference: Inference,
    /// Position in the world by endpoint id, and back.
    positions: HashMap<String, usize>,
    ids: Vec<String>,
    random: StdRng,
    turn: usize,
    served: Vec<Served>,
}

/// Serves a whole day.
pub async fn run(kind: Kind, world: &World, seed: u64) -> anyhow::Result<Vec<Served>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&format!("sqlite:{}", folder.path().join("day.db").display())).await?;
    store.migrate().await?;
    apply_prices(&store, world, 0).await?;
    let clock = Clock::fixed(MIDNIGHT);
    let mut config = Config { demo: Demo::Off, find_local_servers: false, ..Config::default() };
    for index in 0..ENDPOINTS {
        let settings = ProviderSettings { api_key: Some("none".to_owned()), ..ProviderSettings::default() };
        config.providers.insert(format!("provider-{index}"), settings);
    }
    let (app, writer) = App::start(config, clock.clone(), store, false).await?;
    let body = json!({ "model": "acme/one", "messages": [{ "role": "user", "content": "Hello" }],
        "stream": true, "provider": kind.question() });
    let inference = parse(body.to_string().as_bytes()).map_err(|bad| anyhow::anyhow!(bad.message))?;
    let mut day = Day {
        kind,
        world,
        app: Arc::clone(&app),
        clock,
        inference,
        positions: HashMap::new(),
        ids: vec![String::new(); ENDPOINTS],
        random: StdRng::seed_from_u64(seed),
        turn: 0,
        served: Vec::new(),
    };
    day.note_endpoints();
    day.serve().await?;
    let served = std::mem::take(&mut day.served);
    drop(day);
    writer.finish().await;
    app.store.close().await;
    Ok(served)
}

/// The prices of this hour, as an import of the provider's list brings them.
async fn apply_prices(store: &Store, world: &World, hour: usize) -> anyhow::Result<()> {
    let mut providers = Map::new();
    for (index, endpoint) in world.endpoints.iter().enumerate() {
        let (prompt, output) = endpoint.prices[hour];
        let slug = format!("provider-{index}");
        let model = json!({ "id": "acme/one", "name": "One", "release_date": "2026-01-01", "attachment": false,
            "reasoning": false, "tool_call": true, "temperature": true, "open_weights": false,
            "limit": { "context": 100_000, "output": 8_000 }, "cost": { "input": prompt, "output": output },
            "modalities": { "input": ["text"], "output": ["text"] } });
        let provider = json!({ "id": slug, "name": slug, "api": "http://127.0.0.1:9/v1", "doc": "https://x.example",
            "env": ["ROUTING_DAY_UNSET_KEY"], "npm": "@ai-sdk/openai-compatible", "models": { "acme/one": model } });
        providers.insert(slug, provider);
    }
    let list = import::read(Value::Object(providers).to_string().as_bytes())?;
    let (changes, _) = import::plan(&store.load_catalog().await?, list, MIDNIGHT);
    store.apply_catalog(&changes).await?;
    Ok(())
}

impl Day<'_> {
    fn note_endpoints(&mut self) {
        let catalog = self.app.catalog();
        for endpoint in catalog.models.values().flat_map(|model| &model.endpoints) {
            let Some(index) = endpoint.provider_slug.strip_prefix("provider-").and_then(|text| text.parse().ok())
            else {
                continue;
            };
            self.positions.insert(endpoint.id.clone(), index);
            if let Some(id) = self.ids.get_mut(index) {
                id.clone_from(&endpoint.id);
            }
        }
    }

    async fn serve(&mut self) -> anyhow::Result<()> {
        let mut events: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut runs: Vec<Option<Run>> = Vec::new();
        for (index, at_ms) in self.world.arrivals.iter().enumerate() {
            events.push(Reverse((*at_ms, index)));
            runs.push(None);
        }
        let (mut hour, mut checked_at) = (0, 0);
        while let Some(Reverse((now, index))) = events.pop() {
            self.clock.set(MIDNIGHT + now);
            let this_hour = usize::try_from(now / HOUR_MS)?.min(23);
            if this_hour != hour {
                hour = this_hour;
                apply_prices(&self.app.store, self.world, hour).await?;
                self.app.reload_catalog().await?;
            }
            if now - checked_at >= 1_000 {
                checked_at = now;
                self.check_due(now);
            }
            let Some(slot) = runs.get_mut(index) else { continue };
            let run = match slot.take() {
                Some(run) => run,
                None => self.arrive(now)?,
            };
            if let Some((run, next_at)) = self.step(run, now) {
                *slot = Some(run);
                events.push(Reverse((next_at, index)));
            }
        }
        Ok(())
    }

    /// What the server does each second: checks what should be back.
    fn check_due(&self, now: i64) {
        for id in self.app.health.due(MIDNIGHT + now) {
            let is_alive = self.positions.get(&id).is_some_and(|index| self.world.endpoints[*index].is_alive(now));
            self.app.health.checked(&id, is_alive, MIDNIGHT + now);
        }
    }

    fn arrive(&mut self, now: i64) -> anyhow::Result<Run> {
        let hour = usize::try_from(now / HOUR_MS)?.min(23);
        let mut order: Vec<usize> = (0..ENDPOINTS).collect();
        match self.kind {
            Kind::Cheapest => order.sort_by(|a, b| {
                let price = |index: &usize| self.world.endpoints[*index].prices[hour].0;
                price(a).total_cmp(&price(b))
            }),
            Kind::RoundRobin => {
                self.turn += 1;
                order.rotate_left(self.turn % ENDPOINTS);
            }
            Kind::Random => {
                for index in (1..ENDPOINTS).rev() {
                    order.swap(index, self.random.random_range(0..=index));
                }
            }
            _ => {
                let plan = route::plan(&self.app, &route::Terms::default(), &self.inference, PROMPT_TOKENS, None)?;
                order = plan
                    .candidates
                    .iter()
                    .filter_map(|candidate| self.positions.get(&candidate.endpoint.id).copied())
                    .collect();
            }
        }
        Ok(Run { at_ms: now, order, next: 0, tries: 0, ticket: None, attempt: None, limit_ms: 0 })
    }

    /// Ends the attempt under way, if there is one, and begins the next. `None` when
    /// the request is over.
    fn step(&mut self, mut run: Run, now: i64) -> Option<(Run, i64)> {
        if let Some((index, began, outcome)) = run.attempt.take() {
            let is_answered = self.end_attempt(index, began, outcome, run.limit_ms, now);
            run.ticket = None;
            if is_answered {
                let cost = self.world.endpoints[index].cost(began);
                self.served.push(Served { at_ms: run.at_ms, took_ms: now - run.at_ms, cost: Some(cost) });
                return None;
            }
        }
        let Some(index) = self.next_endpoint(&mut run, now) else {
            self.served.push(Served { at_ms: run.at_ms, took_ms: now - run.at_ms, cost: None });
            return None;
        };
        run.tries += 1;
        run.limit_ms = self.limit_ms(index, now, run.tries == ATTEMPTS);
        let outcome = self.world.endpoints[index].attempt(now.min(DAY_MS - 1), &mut self.random);
        let takes = match outcome {
            Attempt::Answer { first_ms, .. } if first_ms > run.limit_ms => run.limit_ms,
            Attempt::Answer { last_ms, .. } => last_ms,
            Attempt::Refusal { after_ms, .. } => after_ms,
            Attempt::Silence => run.limit_ms,
        };
        run.attempt = Some((index, now, outcome));
        Some((run, now + takes.max(1)))
    }

    /// The next endpoint in order; ours passes over what it has shut out.
    fn next_endpoint(&self, run: &mut Run, now: i64) -> Option<usize> {
        if run.tries >= ATTEMPTS {
            return None;
        }
        let first = run.next;
        while let Some(index) = run.order.get(run.next).copied() {
            run.next += 1;
            if !self.kind.is_ours() {
                return Some(index);
            }
            if let Ok(ticket) = self.app.health.enter(&self.ids[index], "", false, MIDNIGHT + now) {
                run.ticket = Some(ticket);
                return Some(index);
            }
        }
        // All are shut out: the first gets the request all the same, once.
        let index = run.order.get(first).copied().filter(|_| run.tries == 0 && self.kind.is_ours())?;
        run.ticket = self.app.health.enter_anyway(&self.ids[index], "", MIDNIGHT + now).ok();
        Some(index)
    }

    fn limit_ms(&self, index: usize, now: i64, is_last: bool) -> i64 {
        let timeouts = &self.app.config.timeouts;
        let whole = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        if is_last {
            return whole(timeouts.last_first_token_ms);
        }
        let usual = self.app.health.slow_first_token_ms(&self.ids[index], MIDNIGHT + now);
        match usual.filter(|_| self.kind.is_ours()) {
            Some(slow) => crate::world::as_ms(slow * 3.0)
                .clamp(whole(timeouts.first_token_least_ms), whole(timeouts.first_token_most_ms)),
            None => whole(timeouts.first_token_ms),
        }
    }

    /// Notes how an attempt went; true when it was an answer.
    fn end_attempt(&self, index: usize, began: i64, outcome: Attempt, limit_ms: i64, now: i64) -> bool {
        let (id, at) = (&self.ids[index], MIDNIGHT + now);
        match outcome {
            Attempt::Answer { first_ms, last_ms } if first_ms <= limit_ms => {
                let writing = as_f64(last_ms - first_ms);
                self.app.health.succeeded(id, at, as_f64(first_ms), OUTPUT_TOKENS, writing);
                debug_assert!(now >= began, "time goes on");
                return true;
            }
            Attempt::Answer { .. } | Attempt::Silence => self.app.health.failed(id, at, FaultKind::Timeout, None),
            Attempt::Refusal { status: 429, retry_after_ms, .. } => {
                self.app.health.failed(id, at, FaultKind::RateLimited, retry_after_ms);
            }
            Attempt::Refusal { retry_after_ms, .. } => {
                self.app.health.failed(id, at, FaultKind::Unavailable, retry_after_ms);
            }
        }
        false
    }
}
