//! Any sequence of operations does to the ledger what it does to a small model of it,
//! and the same on both databases.
//!
//! `make ledger-model` runs it for longer.

use std::collections::BTreeMap;

use app::types::Money;
use app::types::keys::LimitReset;
use patchbay::billing::audit;
use patchbay::billing::ledger::{Budget, Hold, HoldError, Leg, Payer, TransferOutcome, credit_account};
use patchbay::clock::{Clock, Windows, parse_rfc3339};
use patchbay::store::generations::GenerationRow;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::ledger::{Books, generation};
use crate::support::{Database, asked_for};

const ORG: &str = "acme";
const TTL_MS: i64 = 600_000;
const MINUTE_MS: i64 = 60_000;

#[derive(Clone, Debug)]
enum Act {
    Grant(i64),
    Buy(i64, i64),
    /// What a customer asks back.
    Refund(i64),
    /// What the bank takes back, whether it is there or not.
    Recall(i64),
    /// An earlier movement once more, or another one under its id.
    Again(usize, i64),
    Freeze(bool),
    Hold(usize, i64),
    Extend(usize, i64),
    Settle(usize, i64),
    Drop(usize),
    Wait(i64),
    /// The process dies: what it held runs out.
    Restart,
}

fn acts(count: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        20 => (0..900_i64).prop_map(Act::Grant),
        30 => (0..2_000_i64, 0..90_i64).prop_map(|(credit, fee)| Act::Buy(credit, fee)),
        20 => (0..900_i64).prop_map(Act::Refund),
        8 => (0..1_500_i64).prop_map(Act::Recall),
        25 => (any::<usize>(), 0..2_i64).prop_map(|(n, more)| Act::Again(n, more)),
        6 => any::<bool>().prop_map(Act::Freeze),
        160 => (0..4_usize, 0..700_i64).prop_map(|(payer, amount)| Act::Hold(payer, amount)),
        50 => (any::<usize>(), 0..300_i64).prop_map(|(n, by)| Act::Extend(n, by)),
        120 => (any::<usize>(), 0..900_i64).prop_map(|(n, cost)| Act::Settle(n, cost)),
        35 => any::<usize>().prop_map(Act::Drop),
        15 => (1..30_i64).prop_map(Act::Wait),
        2 => Just(Act::Restart),
    ];
    prop::collection::vec(act, count)
}

/// Nobody in particular, a key with a limit by the day, and one that counts in a member's
/// and a workspace's budget, too.
fn payers() -> Vec<Payer> {
    let plain = Payer { account_id: credit_account(ORG), ..Payer::default() };
    let budget = |counter: &str, limit, reset| Budget {
        counter: counter.to_owned(),
        name: counter.to_owned(),
        limit: Money(limit),
        reset,
        includes_byok: false,
    };
    let daily = Payer {
        key_id: "k1".to_owned(),
        limit: Some(Money(2_500)),
        limit_reset: Some(LimitReset::Daily),
        ..plain.clone()
    };
    let budgets =
        [budget("member:m", 9_000, Some(LimitReset::Monthly)), budget("workspace:w", 5_000, Some(LimitReset::Weekly))];
    let member =
        Payer { key_id: "k2 member:m workspace:w".to_owned(), budgets: budgets.to_vec().into(), ..plain.clone() };
    let used_up = Payer { key_id: "k3".to_owned(), limit: Some(Money(30_000)), ..plain.clone() };
    vec![plain, daily, member, used_up]
}

/// The ledger as it should be.
#[derive(Default)]
struct Model {
    available: i64,
    promo: i64,
    spent: i64,
    lost: i64,
    is_frozen: bool,
    /// Payer and amount.
    holds: Vec<(usize, i64)>,
    /// By counter and window.
    used: BTreeMap<(String, String), i64>,
}

fn window(reset: Option<LimitReset>, now: i64) -> String {
    let now = Windows::at(now);
    match reset {
        None => "ever".to_owned(),
        Some(LimitReset::Daily) => format!("day {}", now.day),
        Some(LimitReset::Weekly) => format!("week {}", now.week),
        Some(LimitReset::Monthly) => format!("month {}", now.month),
    }
}

impl Model {
    fn used(&self, payers: &[Payer], counter: &str, reset: Option<LimitReset>, now: i64) -> i64 {
        let counts = |payer: &usize| payers[*payer].key_id.split(' ').any(|name| name == counter);
        let held: i64 = self.holds.iter().filter(|(payer, _)| counts(payer)).map(|(_, amount)| amount).sum();
        held + self.used.get(&(counter.to_owned(), window(reset, now))).copied().unwrap_or(0)
    }

    fn may_hold(&self, payers: &[Payer], payer: usize, amount: i64, now: i64) -> Result<(), HoldError> {
        if self.is_frozen {
            return Err(HoldError::Frozen);
        }
        if self.available < amount || self.available < 0 {
            return Err(HoldError::Insufficient { available: Money(self.available) });
        }
        let payer = &payers[payer];
        let left = |limit: Money, counter: &str, reset| {
            let left = limit.0 - self.used(payers, counter, reset, now);
            (left < amount || left <= 0).then_some(Money(left.max(0)))
        };
        let key = payer.key_id.split(' ').next().unwrap();
        if let Some(remaining) = payer.limit.and_then(|limit| left(limit, key, payer.limit_reset)) {
            return Err(HoldError::KeyLimit { remaining });
        }
        let over =
            |(index, budget): (usize, &Budget)| Some((index, left(budget.limit, &budget.counter, budget.reset)?));
        match payer.budgets.iter().enumerate().find_map(over) {
            Some((index, remaining)) => Err(HoldError::Budget { index, remaining }),
            None => Ok(()),
        }
    }

    fn settle(&mut self, payers: &[Payer], at: usize, cost: i64, now: i64) -> i64 {
        let (payer, held) = self.holds.remove(at);
        let charge = cost.min((self.available + held).max(0));
        self.available += held - charge;
        self.promo -= charge.min(self.promo);
        self.spent += charge;
        self.lost += cost - charge;
        for counter in payers[payer].key_id.split(' ') {
            for reset in [None, Some(LimitReset::Daily), Some(LimitReset::Weekly), Some(LimitReset::Monthly)] {
                *self.used.entry((counter.to_owned(), window(reset, now))).or_default() += charge;
            }
        }
        charge
    }

    /// `credit` comes in, `debit` goes out.
    fn book(&mut self, credit: i64, gift: i64, debit: i64, is_forced: bool) -> TransferOutcome {
        if !is_forced && debit > 0 && self.available - debit - self.promo < 0 {
            return TransferOutcome::Insufficient;
        }
        self.available += credit - debit;
        self.promo += gift;
        TransferOutcome::Created
    }
}

/// The ledger and its model side by side.
struct Pair {
    database: Database,
    books: Option<Books>,
    clock: Clock,
    payers: Vec<Payer>,
    model: Model,
    holds: Vec<(String, Hold)>,
    booked: Vec<(Vec<Leg>, bool, TransferOutcome)>,
    starts: u32,
    /// What came of each operation.
    trace: Vec<String>,
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, real: &T, expected: &T) -> Result<(), String> {
    if real == expected { Ok(()) } else { Err(format!("{what} {real:?}, but the model says {expected:?}")) }
}

impl Pair {
    async fn new(database: Database) -> Self {
        let clock = Clock::fixed(parse_rfc3339("2026-11-21T12:00:00Z").unwrap());
        let books = Some(Books::open_at(&database, clock.clone(), "node-0").await);
        let (payers, model) = (payers(), Model::default());
        Self { database, books, clock, payers, model, holds: vec![], booked: vec![], starts: 0, trace: vec![] }
    }

    fn books(&self) -> &Books {
        self.books.as_ref().unwrap()
    }

    async fn act(&mut self, step: usize, act: &Act) -> Result<(), String> {
        let (now, id) = (self.clock.now_ms(), format!("g{step}"));
        let at = |n: &usize| n % self.holds.len().max(1);
        match act {
            Act::Grant(_) | Act::Buy(..) | Act::Refund(_) | Act::Recall(_) => self.book(step, act).await,
            Act::Again(n, more) => self.book_again(*n, *more).await,
            Act::Freeze(is_frozen) => {
                self.model.is_frozen = *is_frozen;
                self.books().ledger.freeze(ORG, *is_frozen).await.ok_or("froze nothing".to_owned())
            }
            Act::Hold(payer, amount) => {
                let expected = self.model.may_hold(&self.payers, *payer, *amount, now);
                let held = self.books().ledger.hold(&id, &self.payers[*payer], Money(*amount), TTL_MS).await;
                let refusal = held.as_ref().map(|_| ()).map_err(|error| *error);
                self.trace.push(format!("{refusal:?}"));
                if let Ok(hold) = held {
                    self.holds.push((id, hold));
                    self.model.holds.push((*payer, *amount));
                    self.model.available -= amount;
                }
                same("a hold was", &refusal, &expected)
            }
            Act::Extend(n, by) if !self.holds.is_empty() => {
                let at = at(n);
                let expected = self.model.may_hold(&self.payers, self.model.holds[at].0, *by, now);
                let grew = self.holds[at].1.extend(Money(*by)).await;
                self.trace.push(format!("{grew:?}"));
                if grew.is_ok() {
                    self.model.holds[at].1 += by;
                    self.model.available -= by;
                }
                same("an extension was", &grew, &expected)
            }
            Act::Settle(n, cost) if !self.holds.is_empty() => {
                let at = at(n);
                let (id, hold) = self.holds.remove(at);
                let expected = self.model.settle(&self.payers, at, *cost, now);
                let row = GenerationRow { node_id: format!("node-{}", self.starts), ..generation(&id) };
                let charged = hold.settle(Money(*cost), row).await;
                self.trace.push(format!("{charged:?}"));
                same("the charge was", &charged, &Some(Money(expected)))
            }
            Act::Drop(n) if !self.holds.is_empty() => {
                let at = at(n);
                drop(self.holds.remove(at));
                self.model.available += self.model.holds.remove(at).1;
                // It is given back in the background; this is answered after it.
                self.books().ledger.freeze(ORG, self.model.is_frozen).await.ok_or("froze nothing".to_owned())
            }
            Act::Wait(hours) => {
                self.clock.set(now + hours * 60 * MINUTE_MS);
                Ok(())
            }
            Act::Restart => self.restart().await,
            _ => Ok(()),
        }
    }

    async fn book(&mut self, step: usize, act: &Act) -> Result<(), String> {
        let own = credit_account(ORG);
        let leg = |part: &str, debit: &str, credit: &str, amount: i64, gift: i64| Leg {
            id: format!("t{step}{part}"),
            kind: "test",
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            amount: Money(amount),
            promotional: Money(gift),
            description: String::new(),
        };
        let (cash, fees) = ("platform:cash:card", "platform:fee_revenue");
        let (legs, is_forced, expected) = match act {
            Act::Grant(amount) => {
                (vec![leg("", "world", &own, *amount, *amount)], false, self.model.book(*amount, *amount, 0, false))
            }
            Act::Buy(credit, fee) => {
                let legs = vec![leg("", cash, &own, *credit, 0), leg(":fee", cash, fees, *fee, 0)];
                (legs, false, self.model.book(*credit, 0, 0, false))
            }
            // Of nothing there is no refund.
            Act::Refund(amount) => {
                let amount = amount + 1;
                (vec![leg("", &own, cash, amount, 0)], false, self.model.book(0, 0, amount, false))
            }
            Act::Recall(amount) => (vec![leg("", &own, cash, *amount, 0)], true, self.model.book(0, 0, *amount, true)),
            _ => return Ok(()),
        };
        let outcome = self.books().ledger.book(&legs, is_forced).await;
        self.trace.push(format!("{outcome:?}"));
        self.booked.push((legs, is_forced, expected));
        same("a movement was", &outcome, &Some(expected))
    }

    async fn book_again(&mut self, n: usize, more: i64) -> Result<(), String> {
        if self.booked.is_empty() {
            return Ok(());
        }
        let (legs, is_forced, first) = &self.booked[n % self.booked.len()];
        let mut legs = legs.clone();
        legs[0].amount.0 += more;
        let outcome = self.books().ledger.book(&legs, *is_forced).await;
        let expected = match first {
            _ if more > 0 => TransferOutcome::Conflict,
            TransferOutcome::Created => TransferOutcome::Exists,
            refused => *refused,
        };
        self.trace.push(format!("{outcome:?}"));
        same("a repeated movement was", &outcome, &Some(expected))
    }

    async fn restart(&mut self) -> Result<(), String> {
        for (_, hold) in self.holds.drain(..) {
            std::mem::forget(hold);
        }
        for (_, amount) in self.model.holds.drain(..) {
            self.model.available += amount;
        }
        let Books { store, writer, ownership, .. } = self.books.take().unwrap();
        writer.finish().await;
        drop(ownership);
        store.close().await;
        self.starts += 1;
        self.clock.set(self.clock.now_ms() + 2 * TTL_MS);
        let node = format!("node-{}", self.starts);
        let books = Books::open_at(&self.database, self.clock.clone(), &node).await;
        while books.ledger.reap().await.map_err(|error| error.to_string())? > 0 {}
        same("holds were", &books.store.holds().await.unwrap(), &Vec::new())?;
        same("the audit said", &audit::differences(&books.store).await.unwrap(), &Vec::new())?;
        self.books = Some(books);
        Ok(())
    }

    /// What everybody sees is what the model says.
    async fn check(&mut self) -> Result<(), String> {
        let balance = self.books().ledger.balance(&credit_account(ORG)).await.map_err(|error| error.to_string())?;
        let (real, expected) = (
            (balance.available.0, balance.promotional.0, balance.debited.0, balance.is_frozen),
            (self.model.available, self.model.promo, balance.debited.0, self.model.is_frozen),
        );
        self.trace.push(format!("{real:?}"));
        same("available, promotional and frozen were", &real, &expected)
    }

    async fn finish(mut self) -> Result<Vec<String>, String> {
        self.restart().await?;
        let books = self.books.take().unwrap();
        let revenue = books.ledger.balance("platform:usage_revenue").await.unwrap().credited.0;
        let lost = books.ledger.balance("platform:overrun_loss").await.unwrap().debited.0;
        same("revenue and loss were", &(revenue, lost), &(self.model.spent + self.model.lost, self.model.lost))?;
        for counter in ["k1", "k2", "k3", "member:m", "workspace:w"] {
            let total = books.ledger.key_usage(counter).await.unwrap().total.credit.0;
            let expected = self.model.used(&self.payers, counter, None, 0);
            same(counter, &total, &expected)?;
            self.trace.push(format!("{counter} {total}"));
        }
        books.close().await.close().await;
        Ok(self.trace)
    }
}

async fn run(database: Database, acts: &[Act]) -> Result<Vec<String>, String> {
    let mut pair = Pair::new(database).await;
    for (step, act) in acts.iter().enumerate() {
        pair.act(step, act).await.map_err(|error| format!("step {step}, {act:?}: {error}"))?;
        pair.check().await.map_err(|error| format!("after step {step}, {act:?}: {error}"))?;
    }
    pair.finish().await
}

async fn database(on_postgres: bool) -> Database {
    if on_postgres { Database::postgres().await } else { Database::sqlite() }
}

/// Runs a sequence, and makes it as small as it can be should it fail.
async fn agree(mut tree: impl ValueTree<Value = Vec<Act>>, on_postgres: bool) -> Vec<String> {
    let mut failure = match run(database(on_postgres).await, &tree.current()).await {
        Ok(trace) => return trace,
        Err(failure) => failure,
    };
    for _ in 0..200 {
        if !tree.simplify() {
            break;
        }
        match run(database(on_postgres).await, &tree.current()).await {
            Err(smaller) => failure = smaller,
            Ok(_) => {
                tree.complicate();
            }
        }
    }
    panic!("{failure}\n{:?}", tree.current());
}

/// `sequences` of `length` operations on SQLite, and the first `shared` of them on PostgreSQL, too.
async fn run_all(sequences: usize, shared: usize, length: usize, seed: u8) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    for number in 0..sequences.max(shared) {
        let tree = acts(length).new_tree(&mut runner).unwrap();
        let again = Just(tree.current());
        let on_file = agree(tree, false).await;
        if number < shared {
            let on_server = agree(again, true).await;
            let first = on_file.iter().zip(&on_server).position(|(one, other)| one != other);
            assert_eq!(
                first.map(|at| (&on_file[at], &on_server[at])),
                None,
                "the databases differ in sequence {number}"
            );
            assert_eq!(on_file.len(), on_server.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_sequence_of_operations_agrees_with_the_model_on_both_databases() {
    run_all(4, 4, 100, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make ledger-model"]
async fn a_hundred_thousand_operations_agree_with_the_model() {
    const LENGTH: u32 = 500;
    let operations = asked_for("OPS", 100_000).div_ceil(LENGTH);
    let shared = asked_for("POSTGRES_OPS", 10_000).div_ceil(LENGTH);
    let seed = asked_for("SEED", 1);
    run_all(operations as usize, shared as usize, LENGTH as usize, seed.to_le_bytes()[0]).await;
    println!("{} operations on SQLite, {} on PostgreSQL: all as the model says", operations * LENGTH, shared * LENGTH);
}
