//! What one endpoint charges, and what one answer costs. Integers only.

use app::types::models::Pricing;
use app::types::{Money, Price};
use serde::{Deserialize, Serialize};

use crate::dialects::Usage;

/// Unit prices of one endpoint. `None` is "no price of its own": the tokens are
/// charged like the kind they are part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Per input token.
    pub prompt: Price,
    /// Per output token.
    pub completion: Price,
    /// Per request.
    pub request: Price,
    /// Per input image or image token, for display; providers report images inside `prompt`.
    pub image: Price,
    /// Per input audio token.
    pub audio: Option<Price>,
    /// Per output audio token.
    pub audio_output: Option<Price>,
    /// Per reasoning token.
    pub internal_reasoning: Option<Price>,
    /// Per input token read from the provider's prompt cache.
    pub input_cache_read: Option<Price>,
    /// Per input token written to the provider's prompt cache.
    pub input_cache_write: Option<Price>,
    /// Per input token written to be kept for an hour; without a price of its own
    /// twice that of an input token. Source: Anthropic's pricing page.
    pub input_cache_write_1h: Option<Price>,
    /// Per web search the provider made.
    pub web_search: Price,
    /// Other prices for long prompts, ascending by `above_prompt_tokens`.
    pub tiers: Vec<LongContextTier>,
}

/// The prices of a request whose prompt is longer than a limit; they hold for the
/// whole request. `None` keeps the endpoint's ordinary price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongContextTier {
    /// In force when the prompt has more tokens than this.
    pub above_prompt_tokens: u64,
    pub prompt: Price,
    pub completion: Price,
    pub input_cache_read: Option<Price>,
    pub input_cache_write: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cache_write_1h: Option<Price>,
}

/// What an answer costs. The parts add up to `total` exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub total: Money,
    /// The input tokens.
    pub prompt: Money,
    /// The output tokens.
    pub completion: Money,
    /// Per-request and web search charges.
    pub other: Money,
}

impl Prices {
    /// The cost of an answer with these counts. Sums are exact; the total is rounded
    /// once, half-up, to a nano-dollar. Counts that were not said are zero, and a
    /// part can never be larger than the whole it belongs to.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Cost {
        let prompt_tokens = usage.prompt_tokens.unwrap_or(0);
        let rates = self.rates(prompt_tokens);
        let mut input = Meter::new(usage.billed_prompt_tokens.unwrap_or(prompt_tokens));
        input.take(usage.cached_tokens, rates.cache_read);
        input.take(usage.cache_write_1h_tokens, rates.cache_write_1h);
        let hour = usage.cache_write_1h_tokens.unwrap_or(0);
        input.take(usage.cache_write_tokens.map(|all| all.saturating_sub(hour)), rates.cache_write);
        input.take(usage.prompt_audio_tokens, rates.audio);
        let input = input.rest(rates.prompt);

        let mut output = Meter::new(usage.billed_completion_tokens.or(usage.completion_tokens).unwrap_or(0));
        output.take(usage.reasoning_tokens, rates.reasoning);
        output.take(usage.completion_audio_tokens, rates.audio_output);
        let output = output.rest(rates.completion);

        let searches = times(usage.web_search_requests.unwrap_or(0), self.web_search);
        let other = searches.saturating_add(times(usage.searches.unwrap_or(1), self.request));

        let prompt = nanos_half_up(input);
        let both = nanos_half_up(input.saturating_add(output));
        let total = nanos_half_up(input.saturating_add(output).saturating_add(other));
        Cost { total, prompt, completion: both.minus(prompt), other: total.minus(both) }
    }

    /// The most an answer of at most these sizes can cost, rounded up: what to hold
    /// before asking. `keeps_an_hour` says that parts of the prompt may be cached for
    /// that long. Web searches are not known in advance and not included.
    #[must_use]
    pub fn at_most(&self, prompt_tokens: u64, completion_tokens: u64, keeps_an_hour: bool) -> Money {
        let rates = self.rates(prompt_tokens);
        let input = rates.prompt.max(rates.cache_read).max(rates.cache_write).max(rates.audio);
        let input = if keeps_an_hour { input.max(rates.cache_write_1h) } else { input };
        let output = rates.completion.max(rates.reasoning).max(rates.audio_output);
        let picos = times(prompt_tokens, input)
            .saturating_add(times(completion_tokens, output))
            .saturating_add(i128::from(self.request.0));
        money(picos.saturating_add(999).div_euclid(1_000))
    }

    /// Nothing about it costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let optional = [self.audio, self.audio_output, self.internal_reasoning];
        let caches = [self.input_cache_read, self.input_cache_write, self.input_cache_write_1h];
        let has_free_tiers = self.tiers.iter().all(|tier| tier.prompt.is_zero() && tier.completion.is_zero());
        [self.prompt, self.completion, self.request].iter().all(|price| price.is_zero())
            && optional.iter().chain(&caches).flatten().all(|price| price.is_zero())
            && has_free_tiers
    }

    /// As the API shows them; a price of zero that is optional there is left out.
    #[must_use]
    pub fn to_wire(&self) -> Pricing {
        let shown = |price: Price| (!price.is_zero()).then_some(price);
        Pricing {
            prompt: self.prompt,
            completion: self.completion,
            request: shown(self.request),
            image: shown(self.image),
            audio: self.audio,
            internal_reasoning: self.internal_reasoning,
            input_cache_read: self.input_cache_read,
            input_cache_write: self.input_cache_write,
            input_cache_write_1h: self.input_cache_write_1h,
            web_search: shown(self.web_search),
        }
    }

    /// The prices in force for a prompt of this length.
    fn rates(&self, prompt_tokens: u64) -> Rates {
        let tier = self
            .tiers
            .iter()
            .filter(|tier| prompt_tokens > tier.above_prompt_tokens)
            .max_by_key(|tier| tier.above_prompt_tokens);
        let (prompt, completion) = tier.map_or((self.prompt, self.completion), |tier| (tier.prompt, tier.completion));
        let cache_read = tier.and_then(|tier| tier.input_cache_read).or(self.input_cache_read);
        let cache_write = tier.and_then(|tier| tier.input_cache_write).or(self.input_cache_write);
        let cache_write_1h = match tier {
            // The ordinary price of an hour says nothing about long prompts.
            Some(tier) => tier.input_cache_write_1h,
            None => self.input_cache_write_1h,
        };
        Rates {
            prompt,
            completion,
            cache_read: cache_read.unwrap_or(prompt),
            cache_write: cache_write.unwrap_or(prompt),
            cache_write_1h: cache_write_1h.unwrap_or(Price(prompt.0.saturating_mul(2))),
            audio: self.audio.unwrap_or(prompt),
            audio_output: self.audio_output.unwrap_or(completion),
            reasoning: self.internal_reasoning.unwrap_or(completion),
        }
    }
}

/// Prices after tiers and defaults.
struct Rates {
    prompt: Price,
    completion: Price,
    cache_read: Price,
    cache_write: Price,
    cache_write_1h: Price,
    audio: Price,
    audio_output: Price,
    reasoning: Price,
}

/// Divides one count of tokens among prices.
struct Meter {
    left: u64,
    picos: i128,
}

impl Meter {
    const fn new(tokens: u64) -> Self {
        Self { left: tokens, picos: 0 }
    }

    fn take(&mut self, tokens: Option<u64>, price: Price) {
        let taken = tokens.unwrap_or(0).min(self.left);
        self.left -= taken;
        self.picos = self.picos.saturating_add(times(taken, price));
    }

    fn rest(self, price: Price) -> i128 {
        self.picos.saturating_add(times(self.left, price))
    }
}

fn times(count: u64, price: Price) -> i128 {
    // Below 2^64 × 2^63, so this cannot overflow.
    i128::from(count) * i128::from(price.0)
}

fn nanos_half_up(picos: i128) -> Money {
    money(picos.saturating_add(500).div_euclid(1_000))
}

fn money(nanos: i128) -> Money {
    Money(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sonnet() -> Prices {
        Prices {
            prompt: Price(3_000_000),
            completion: Price(15_000_000),
            input_cache_read: Some(Price(300_000)),
            input_cache_write: Some(Price(3_750_000)),
            tiers: vec![LongContextTier {
                above_prompt_tokens: 200_000,
                prompt: Price(6_000_000),
                completion: Price(22_500_000),
                input_cache_read: Some(Price(600_000)),
                input_cache_write: Some(Price(7_500_000)),
                input_cache_write_1h: None,
            }],
            ..Prices::default()
        }
    }

    #[test]
    fn cached_and_written_tokens_are_part_of_the_prompt_at_their_own_price() {
        let usage = Usage {
            prompt_tokens: Some(1_000),
            cached_tokens: Some(600),
            cache_write_tokens: Some(300),
            completion_tokens: Some(10),
            ..Usage::default()
        };
        let cost = sonnet().cost(&usage);
        // 600 × 0.30 + 300 × 3.75 + 100 × 3.00 $/M, then 10 × 15 $/M.
        assert_eq!(cost.prompt, Money(180_000 + 1_125_000 + 300_000));
        assert_eq!(cost.completion, Money(150_000));
        assert_eq!(cost.total, Money(1_755_000));
    }

    #[test]
    fn what_is_cached_for_an_hour_costs_twice_the_prompt_unless_it_has_a_price() {
        let usage = Usage {
            prompt_tokens: Some(1_000),
            cache_write_tokens: Some(500),
            cache_write_1h_tokens: Some(200),
            ..Usage::default()
        };
        // 200 × 6.00 + 300 × 3.75 + 500 × 3.00 $/M.
        assert_eq!(sonnet().cost(&usage).total, Money(1_200_000 + 1_125_000 + 1_500_000));
        let priced = Prices { input_cache_write_1h: Some(Price(5_000_000)), ..sonnet() };
        assert_eq!(priced.cost(&usage).total, Money(1_000_000 + 1_125_000 + 1_500_000));
        let long = Usage { prompt_tokens: Some(300_000), cache_write_tokens: Some(300_000), ..usage };
        // 200 × 12.00 + 299,800 × 7.50 $/M.
        assert_eq!(priced.cost(&long).total, Money(2_400_000 + 2_248_500_000));
        let only_said_so = Usage { cache_write_tokens: None, ..usage };
        assert_eq!(sonnet().cost(&only_said_so).total, Money(1_200_000 + 2_400_000));
    }

    #[test]
    fn a_hold_reckons_with_an_hour_only_where_it_is_asked_for() {
        assert_eq!(sonnet().at_most(1_000, 0, false), Money(3_750_000));
        assert_eq!(sonnet().at_most(1_000, 0, true), Money(6_000_000));
    }

    #[test]
    fn the_long_context_price_starts_one_token_above_the_limit() {
        let at = |tokens| sonnet().cost(&Usage { prompt_tokens: Some(tokens), ..Usage::default() }).total;
        assert_eq!(at(200_000), Money(600_000_000));
        assert_eq!(at(200_001), Money(1_200_006_000));
    }

    #[test]
    fn a_cache_without_a_price_costs_as_much_as_the_prompt() {
        let prices = Prices { prompt: Price(2_000_000), ..Prices::default() };
        let usage = Usage { prompt_tokens: Some(10), cached_tokens: Some(10), ..Usage::default() };
        assert_eq!(prices.cost(&usage).total, Money(20_000));
    }

    #[test]
    fn reasoning_has_its_own_price_only_where_one_is_set() {
        let usage = Usage { completion_tokens: Some(100), reasoning_tokens: Some(90), ..Usage::default() };
        let plain = Prices { completion: Price(1_000_000), ..Prices::default() };
        assert_eq!(plain.cost(&usage).total, Money(100_000));
        let priced = Prices { internal_reasoning: Some(Price(3_000_000)), ..plain };
        assert_eq!(priced.cost(&usage).total, Money(280_000));
    }

    #[test]
    fn half_a_nano_dollar_is_rounded_up_once_at_the_end() {
        let prices = Prices { prompt: Price(500), completion: Price(500), ..Prices::default() };
        let usage = Usage { prompt_tokens: Some(1), completion_tokens: Some(1), ..Usage::default() };
        assert_eq!(prices.cost(&usage).total, Money(1), "not 1 + 1 from two roundings");
    }

    fn price() -> impl Strategy<Value = Price> {
        (0..1_000_000_000_000_i64).prop_map(Price)
    }

    prop_compose! {
        fn prices()(
            (prompt, completion, request, web_search) in (price(), price(), price(), price()),
            audio in prop::option::of(price()),
            internal_reasoning in prop::option::of(price()),
            input_cache_read in prop::option::of(price()),
            input_cache_write in prop::option::of(price()),
            input_cache_write_1h in prop::option::of(price()),
            tier in prop::option::of((0..500_000_u64, price(), price())),
        ) -> Prices {
            let tiers = tier.into_iter().map(|(above_prompt_tokens, prompt, completion)| LongContextTier {
                above_prompt_tokens, prompt, completion, input_cache_read: None, input_cache_write: None,
                input_cache_write_1h: None,
            }).collect();
            Prices {
                prompt, completion, request, audio, internal_reasoning,
                input_cache_read, input_cache_write, input_cache_write_1h, web_search, tiers, ..Prices::default()
            }
        }
    }

    prop_compose! {
        fn usage()(counts in prop::array::uniform8(prop::option::of(0..2_000_000_u64))) -> Usage {
            let [prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
                prompt_audio_tokens, completion_audio_tokens, cache_write_1h_tokens] = counts;
            Usage {
                searches: None,
                cache_write_1h_tokens,
                prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
                prompt_audio_tokens, completion_audio_tokens, ..Usage::default()
            }
        }
    }

    proptest! {
        #[test]
        fn the_parts_add_up_and_none_is_negative(prices in prices(), usage in usage()) {
            let cost = prices.cost(&usage);
            prop_assert_eq!(cost.prompt.plus(cost.completion).plus(cost.other), cost.total);
            prop_assert!(cost.prompt >= Money::ZERO && cost.completion >= Money::ZERO && cost.other >= Money::ZERO);
        }

        #[test]
        fn charges_differ_from_the_exact_cost_by_half_a_nano_dollar_each(
            (prompt, completion) in (price(), price()),
            counts in prop::collection::vec((0..1_000_000_u64, 0..1_000_000_u64), 1..40),
        ) {
            let prices = Prices { prompt, completion, ..Prices::default() };
            let (mut charged, mut exact) = (0_i128, 0_i128);
            for (asked, answered) in &counts {
                let usage = Usage {
                    prompt_tokens: Some(*asked), completion_tokens: Some(*answered), ..Usage::default()
                };
                charged += i128::from(prices.cost(&usage).total.0) * 1_000;
                exact += i128::from(*asked) * i128::from(prompt.0) + i128::from(*answered) * i128::from(completion.0);
            }
            let most = 500 * i128::try_from(counts.len()).unwrap();
            prop_assert!((charged - exact).abs() <= most, "{charged} and {exact} pico-dollars");
        }

        #[test]
        fn a_hold_of_the_most_covers_the_cost(prices in prices(), usage in usage()) {
            let most = prices.at_most(usage.prompt_tokens.unwrap_or(0), usage.completion_tokens.unwrap_or(0), true);
            prop_assert!(most >= prices.cost(&usage).total);
        }

        #[test]
        fn one_more_output_token_never_costs_less(prices in prices(), mut usage in usage()) {
            usage.reasoning_tokens = None;
            usage.completion_audio_tokens = None;
            let before = prices.cost(&usage).total;
            usage.completion_tokens = Some(usage.completion_tokens.unwrap_or(0) + 1);
            prop_assert!(prices.cost(&usage).total >= before);
        }

        #[test]
        fn no_count_and_no_price_can_break_it(
            tokens in any::<[u64; 4]>(), picos in prop::array::uniform4(0..=i64::MAX),
        ) {
            let [prompt, completion, cached, reasoning] = tokens;
            let [prompt_price, completion_price, cache, request] = picos.map(Price);
            let prices = Prices {
                prompt: prompt_price, completion: completion_price, request,
                input_cache_read: Some(cache), ..Prices::default()
            };
            let usage = Usage {
                prompt_tokens: Some(prompt), completion_tokens: Some(completion),
                cached_tokens: Some(cached), reasoning_tokens: Some(reasoning), ..Usage::default()
            };
            prop_assert!(prices.cost(&usage).total >= Money::ZERO);
        }
    }
}
