//! Twenty endpoints of one model over one day: what they cost, how quick they are, and
//! when they fail. Everything is drawn from a seed, so that every router meets the same day.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub const ENDPOINTS: usize = 20;
pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Of every request, tokens.
pub const PROMPT_TOKENS: u64 = 1_000;
pub const OUTPUT_TOKENS: u64 = 200;

/// What is wrong with an endpoint for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Every request gets a 503 at once.
    Down,
    /// Nothing ever comes.
    Silent,
    /// So many of a hundred requests get a 500.
    Flaky(u32),
    /// Every request gets a 429 with a time to wait.
    Limited,
    /// Everything takes so many times as long.
    Slow(f64),
}

/// One endpoint as it really is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// USD per million tokens by hour, prompt and output.
    pub prices: Vec<(f64, f64)>,
    /// Median time to the first token, ms.
    first_token_ms: f64,
    /// Tokens per second.
    speed: f64,
    /// Begin, end, what.
    troubles: Vec<(i64, i64, Trouble)>,
}

/// How one attempt goes.
#[derive(Clone, Copy, Debug)]
pub enum Attempt {
    /// First token and last token after so many ms.
    Answer {
        first_ms: i64,
        last_ms: i64,
    },
    /// A status after so many ms.
    Refusal {
        status: u16,
        after_ms: i64,
        retry_after_ms: Option<u64>,
    },
    Silence,
}

#[derive(Clone, Debug)]
pub struct World {
    pub endpoints: Vec<Endpoint>,
    /// When requests come, ms of the day.
    pub arrivals: Vec<i64>,
}

impl World {
    pub fn new(seed: u64, requests: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let endpoints = (0..ENDPOINTS).map(|_| Endpoint::new(&mut random)).collect();
        let mut arrivals: Vec<i64> = (0..requests)
            .map(|_| {
                loop {
                    // Fewer at night.
                    let at = random.random_range(0..DAY_MS);
                    let hour = as_f64(at) / as_f64(HOUR_MS);
                    let busy = 0.55 - 0.45 * ((hour - 3.0) / 24.0 * std::f64::consts::TAU).cos();
                    if random.random_range(0.0..1.0) < busy {
                        break at;
                    }
                }
            })
            .collect();
        arrivals.sort_unstable();
        Self { endpoints, arrivals }
    }
}

impl Endpoint {
    fn new(random: &mut StdRng) -> Self {
        // Dear ones tend to be quick, with many exceptions.
        let level = random.random_range(0.0_f64..1.0);
        let mut price = 0.4 + 1.6 * level * random.random_range(0.6..1.4);
        let prices = (0..24)
            .map(|_| {
                if random.random_range(0..12) == 0 {
                    price *= random.random_range(0.7..1.35);
                }
                (price, price * 4.0)
            })
            .collect();
        let first_token_ms = (1_400.0 - 1_000.0 * level) * random.random_range(0.5..1.8);
        let speed = (40.0 + 80.0 * level) * random.random_range(0.6..1.5);
        let mut troubles = Vec::new();
        for _ in 0..random.random_range(1..6) {
            let begin = random.random_range(0..DAY_MS);
            let length = random.random_range(2 * 60_000..90 * 60_000);
            let trouble = match random.random_range(0..6) {
                0 => Trouble::Down,
                1 => Trouble::Silent,
                2 => Trouble::Flaky(20),
                3 => Trouble::Flaky(60),
                4 => Trouble::Limited,
                _ => Trouble::Slow(random.random_range(3.0..10.0)),
            };
            troubles.push((begin, begin + length, trouble));
        }
        Self { prices, first_token_ms, speed, troubles }
    }

    fn trouble(&self, at_ms: i64) -> Option<Trouble> {
        self.troubles.iter().find(|(begin, end, _)| (*begin..*end).contains(&at_ms)).map(|(.., trouble)| *trouble)
    }

    /// Whether the list of models is served.
    pub fn is_alive(&self, at_ms: i64) -> bool {
        !matches!(self.trouble(at_ms), Some(Trouble::Down | Trouble::Silent))
    }

    /// How an attempt at this moment goes.
    pub fn attempt(&self, at_ms: i64, random: &mut StdRng) -> Attempt {
        let trouble = self.trouble(at_ms);
        // A thousandth fails for no reason, as everywhere.
        let is_unlucky = random.random_range(0..1_000) == 0;
        let refusal = |status, retry_after_ms| Attempt::Refusal { status, after_ms: 60, retry_after_ms };
        match trouble {
            Some(Trouble::Down) => return refusal(503, None),
            Some(Trouble::Silent) => return Attempt::Silence,
            Some(Trouble::Limited) => return refusal(429, Some(5_000)),
            Some(Trouble::Flaky(percent)) if random.random_range(0..100) < percent => return refusal(500, None),
            _ if is_unlucky => return refusal(500, None),
            _ => {}
        }
        let factor = if let Some(Trouble::Slow(factor)) = trouble { factor } else { 1.0 };
        // Spread as such times are: most near the median, some far above it.
        let spread = (random.random_range(-1.0_f64..1.0) + random.random_range(-1.0..1.0)) * 0.5;
        let first = self.first_token_ms * factor * (spread * 1.2).exp();
        let rest = as_f64_u(OUTPUT_TOKENS) * 1_000.0 / (self.speed / factor) * (spread * 0.4).exp();
        Attempt::Answer { first_ms: as_ms(first), last_ms: as_ms(first + rest) }
    }

    /// What an answer costs at this moment, USD.
    pub fn cost(&self, at_ms: i64) -> f64 {
        let hour = usize::try_from(at_ms / HOUR_MS).unwrap_or(0).min(23);
        let (prompt, output) = self.prices[hour];
        (as_f64_u(PROMPT_TOKENS) * prompt + as_f64_u(OUTPUT_TOKENS) * output) / 1_000_000.0
    }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "times of a day")]
pub const fn as_f64(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "small counts")]
pub const fn as_f64_u(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "times of a day")]
pub fn as_ms(value: f64) -> i64 {
    value.round() as i64
}
