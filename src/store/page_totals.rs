//! Days as leaderboards and the activity page show them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::{AnyConnection, AssertSqlSafe, FromRow};

use super::Store;
use super::bulk::Bulk;

/// A name on a leaderboard, over a window and the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct BoardTotals {
    /// Model id, author, provider name or app URL.
    pub id: String,
    pub title: String,
    pub tokens: i64,
    /// Tokens of the window before.
    pub tokens_before: i64,
    pub requests: i64,
    pub is_simulated: i64,
}

/// Tokens of one day under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct BoardDay {
    pub day: i64,
    pub id: String,
    pub tokens: i64,
}

/// What an organization used under a name, in a period or in a whole window.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Spent {
    /// Minutes, hours or days since the epoch; 0 of a whole window.
    pub period: i64,
    pub id: String,
    pub requests: i64,
    pub tokens: i64,
    pub cost_nanos: i64,
}

/// What a board counts.
#[derive(Clone, Copy, Debug)]
pub enum Counted<'a> {
    /// `model`, `author`, `provider` or `app`, over everything.
    All(&'a str),
    /// Models, along a dimension of `public_daily` under a name.
    Models(&'a str, &'a str),
}

/// Names per statement.
const NAMES: usize = 50;

macro_rules! window_of {
    ($id:literal, $title:literal, $tokens:literal, $from:literal) => {
        concat!(
            "SELECT ",
            $id,
            " AS id, ",
            $title,
            " AS title, CAST(SUM(CASE WHEN day >= $4 THEN ",
            $tokens,
            " ELSE 0 END) AS BIGINT) AS tokens, CAST(SUM(CASE WHEN day >= $4 THEN 0 ELSE ",
            $tokens,
            " END) AS BIGINT) AS tokens_before, CAST(SUM(CASE WHEN day >= $4 THEN requests ELSE 0 END) AS BIGINT) AS requests, \
             MAX(CASE WHEN day >= $4 THEN is_simulated ELSE 0 END) AS is_simulated FROM ",
            $from,
            " AND day >= $3 AND day < $5 GROUP BY ",
            $id
        )
    };
}

const BOARD: &str = window_of!("name", "MAX(title)", "tokens", "board_daily WHERE dimension = $1 AND $2 = ''");
const MODELS: &str = window_of!(
    "model_id",
    "''",
    "(prompt_tokens + completion_tokens)",
    "public_daily WHERE dimension = $1 AND name = $2"
);

static BOARD_DAYS: LazyLock<String> = LazyLock::new(|| {
    let names = names(5);
    format!(
        "SELECT day, name AS id, tokens FROM board_daily WHERE dimension = $1 AND $2 = '' AND name IN ({names}) AND day >= $3 AND day < $4"
    )
});
static MODEL_DAYS: LazyLock<String> = LazyLock::new(|| {
    let names = names(5);
    format!(
        "SELECT day, model_id AS id, prompt_tokens + completion_tokens AS tokens FROM public_daily \
         WHERE dimension = $1 AND name = $2 AND model_id IN ({names}) AND day >= $3 AND day < $4"
    )
});
static SPENT_DAYS: LazyLock<String> = LazyLock::new(|| {
    let names = names(7);
    format!(
        "SELECT day AS period, name AS id, CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(tokens) AS BIGINT) AS tokens, \
         CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos FROM activity_daily WHERE organization_id = $1 AND {WHOSE} \
         AND dimension = $4 AND day >= $5 AND day < $6 AND name IN ({names}) GROUP BY 1, 2"
    )
});
static SPENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT CAST(0 AS BIGINT) AS period, name AS id, CAST(SUM(requests) AS BIGINT) AS requests, \
         CAST(SUM(tokens) AS BIGINT) AS tokens, CAST(SUM(cost_nanos) AS BIGINT) AS cost_nanos FROM activity_daily \
         WHERE organization_id = $1 AND {WHOSE} AND dimension = $4 AND day >= $5 AND day < $6 GROUP BY name"
    )
});
/// One key (or `*`), or those of a user.
const WHOSE: &str = "(($3 = '' AND key_id = $2) OR ($3 <> '' AND ($2 = '*' OR key_id = $2) AND key_id IN \
     (SELECT id FROM api_keys WHERE organization_id = $1 AND creator_user_id = $3)))";

fn names(first: usize) -> String {
    (first..first + NAMES).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// Exactly as many names as a statement has places; a name twice counts once.
fn padded(ids: &[String]) -> impl Iterator<Item = &str> {
    let last = ids.last().map_or("", String::as_str);
    ids.iter().map(String::as_str).chain(std::iter::repeat(last)).take(NAMES)
}

/// Whose days are added up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpentScope<'a> {
    pub organization_id: &'a str,
    /// `*` for all keys.
    pub key_id: &'a str,
    /// Only what keys of this user did; empty for everybody's.
    pub user_id: &'a str,
    pub dimension: &'a str,
    /// Days since the epoch, the last one excluded.
    pub from: i64,
    pub to: i64,
}

impl Store {
    /// Every name of a board, over `from..to` and as long a window before.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_totals(&self, counted: Counted<'_>, from: i64, to: i64) -> sqlx::Result<Vec<BoardTotals>> {
        let (text, dimension, name) = match counted {
            Counted::All(dimension) => (BOARD, dimension, ""),
            Counted::Models(dimension, name) => (MODELS, dimension, name),
        };
        sqlx::query_as(text)
            .bind(dimension)
            .bind(name)
            .bind(from - (to - from))
            .bind(from)
            .bind(to)
            .fetch_all(self.pool())
            .await
    }

    /// The days of some names of a board.
    ///
    /// # Errors
    /// Any database error.
    pub async fn board_days(
        &self,
        counted: Counted<'_>,
        ids: &[String],
        from: i64,
        to: i64,
    ) -> sqlx::Result<Vec<BoardDay>> {
        let (text, dimension, name) = match counted {
            Counted::All(dimension) => (BOARD_DAYS.as_str(), dimension, ""),
            Counted::Models(dimension, name) => (MODEL_DAYS.as_str(), dimension, name),
        };
        let mut days = Vec::new();
        for chunk in ids.chunks(NAMES) {
            let mut query = sqlx::query_as(AssertSqlSafe(text)).bind(dimension).bind(name).bind(from).bind(to);
            for id in padded(chunk) {
                query = query.bind(id);
            }
            days.extend(query.fetch_all(self.pool()).await?);
        }
        Ok(days)
    }

    /// What was spent in a window, by name.
    ///
    /// # Errors
    /// Any database error.
    pub async fn spent(&self, scope: &SpentScope<'_>) -> sqlx::Result<Vec<Spent>> {
        sqlx::query_as(AssertSqlSafe(SPENT.as_str()))
            .bind(scope.organization_id)
            .bind(scope.key_id)
            .bind(scope.user_id)
            .bind(scope.dimension)
            .bind(scope.from)
            .bind(scope.to)
            .fetch_all(self.pool())
            .await
    }

    /// The days of some names.
    ///
    /// # Errors
    /// Any database error.
    pub async fn spent_days(&self, scope: &SpentScope<'_>, ids: &[String]) -> sqlx::Result<Vec<Spent>> {
        let mut days = Vec::new();
        for chunk in ids.chunks(NAMES) {
            let mut query = sqlx::query_as(AssertSqlSafe(SPENT_DAYS.as_str()))
                .bind(scope.organization_id)
                .bind(scope.key_id)
                .bind(scope.user_id)
                .bind(scope.dimension)
                .bind(scope.from)
                .bind(scope.to);
            for id in padded(chunk) {
                query = query.bind(id);
            }
            days.extend(query.fetch_all(self.pool()).await?);
        }
        Ok(days)
    }
}

/// Organization, key, dimension, day, name.
type SpentKey = (String, String, &'static str, i64, String);
/// Requests, tokens, cost.
type Sums = [i64; 3];

static ADD_SPENT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO activity_daily (organization_id, key_id, dimension, day, name, requests, tokens, cost_nanos)",
        8,
        "ON CONFLICT (organization_id, key_id, dimension, day, name) DO UPDATE SET \
         requests = activity_daily.requests + excluded.requests, tokens = activity_daily.tokens + excluded.tokens, \
         cost_nanos = activity_daily.cost_nanos + excluded.cost_nanos",
    )
});

/// What new requests add to `activity_daily`.
#[derive(Debug, Default)]
pub(super) struct SpentSums(BTreeMap<SpentKey, Sums>);

/// Requests that belong together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    pub organization_id: &'a str,
    pub key_id: &'a str,
    pub day: i64,
    pub model_id: &'a str,
    pub app_title: &'a str,
    pub provider_name: &'a str,
    pub sums: Sums,
}

impl SpentSums {
    pub(super) fn count(&mut self, group: Group<'_>) {
        let names = [
            ("model", group.model_id),
            ("key", group.key_id),
            ("app", group.app_title),
            ("provider", group.provider_name),
            ("all", ""),
        ];
        for key_id in [group.key_id, "*"] {
            for (dimension, name) in names {
                let key = (group.organization_id.to_owned(), key_id.to_owned(), dimension, group.day, name.to_owned());
                let sums = self.0.entry(key).or_default();
                for (sum, more) in sums.iter_mut().zip(group.sums) {
                    *sum += more;
                }
            }
        }
    }

    pub(super) async fn add(self, connection: &mut AnyConnection) -> sqlx::Result<()> {
        let rows: Vec<(SpentKey, Sums)> = self.0.into_iter().collect();
        ADD_SPENT
            .execute(
                connection,
                &rows,
                |query, ((organization, key, dimension, day, name), [requests, tokens, cost])| {
                    query
                        .bind(organization)
                        .bind(key)
                        .bind(*dimension)
                        .bind(*day)
                        .bind(name)
                        .bind(*requests)
                        .bind(*tokens)
                        .bind(*cost)
                },
            )
            .await
    }
}

/// Dimension, day, name.
type BoardKey = (&'static str, i64, String);

static ADD_BOARD: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::insert(
        "INSERT INTO board_daily (dimension, day, name, title, is_simulated, requests, tokens)",
        7,
        "ON CONFLICT (dimension, day, name) DO UPDATE SET requests = board_daily.requests + excluded.requests, \
         tokens = board_daily.tokens + excluded.tokens, title = excluded.title",
    )
});

/// What new requests add to `board_daily`.
#[derive(Debug, Default)]
pub(super) struct BoardSums(BTreeMap<BoardKey, BoardTotals>);

impl BoardSums {
    pub(super) fn count(&mut self, dimension: &'static str, day: i64, name: &str, more: &BoardTotals) {
        let totals = self.0.entry((dimension, day, name.to_owned())).or_default();
        totals.title.clone_from(&more.title);
        totals.is_simulated = totals.is_simulated.max(more.is_simulated);
        totals.requests += more.requests;
        totals.tokens += more.tokens;
    }

    pub(super) async fn add(self, connection: &mut AnyConnection) -> sqlx::Result<()> {
        let rows: Vec<(BoardKey, BoardTotals)> = self.0.into_iter().collect();
        ADD_BOARD
            .execute(connection, &rows, |query, ((dimension, day, name), totals)| {
                query
                    .bind(*dimension)
                    .bind(*day)
                    .bind(name)
                    .bind(&totals.title)
                    .bind(totals.is_simulated)
                    .bind(totals.requests)
                    .bind(totals.tokens)
            })
            .await
    }
}
