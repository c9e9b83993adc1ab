//! The description of the leaderboards and the public data sets.
#![expect(dead_code, reason = "the functions exist for their descriptions")]

use app::types::Envelope;
use app::types::error::ErrorBody;
use app::types::rankings::{AppRankings, Board, RankingsDaily, SpeedLine};
use app::types::tasks::TaskShares;
use utoipa::OpenApi;

/// What is added to the whole description.
#[derive(OpenApi)]
#[openapi(
    paths(
        show_rankings, show_rankings_csv, show_rankings_svg, show_speed_board, show_rankings_daily, show_app_rankings,
        show_tasks
    ),
    tags((name = "rankings", description = "Public leaderboards"))
)]
pub struct Description;

/// Which leaderboard.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct BoardParams {
    /// model, author, provider, app, task, category or language
    by: Option<String>,
    /// day, week, month or year
    period: Option<String>,
    /// popular or trending
    sort: Option<String>,
    /// Only requests about this: programming, roleplay, marketing, marketing/seo, technology, science, translation,
    /// legal, finance, health, trivia or academia
    category: Option<String>,
    /// text, image, image_output, audio, tool_calling or image_prompts
    modality: Option<String>,
    /// Only prompts of this length: 1K, 10K, 100K, 1M or 10M tokens at most
    length: Option<String>,
    /// Only requests of the app at this address
    app: Option<String>,
    /// Only requests to the provider of this name
    provider: Option<String>,
    /// Only requests for this task, such as code:debugging
    task: Option<String>,
    /// Only questions in this language, by its ISO 639-1 code
    language: Option<String>,
    /// Of apps, only those for this: coding, creative, productivity, entertainment, or one of their parts, such as
    /// cli-agent
    app_category: Option<String>,
}

/// Shows a leaderboard by tokens.
#[utoipa::path(get, path = "/rankings", tag = "rankings", security(()), params(BoardParams),
    responses((status = 200, body = Envelope<Board>), (status = 400, body = ErrorBody)))]
fn show_rankings() {}

/// The same leaderboard as CSV: a line for every day and name.
#[utoipa::path(get, path = "/rankings.csv", tag = "rankings", security(()), params(BoardParams),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = ErrorBody)))]
fn show_rankings_csv() {}

/// The same leaderboard as a chart to put into other pages.
#[utoipa::path(get, path = "/rankings.svg", tag = "rankings", security(()), params(BoardParams),
    responses((status = 200, body = String, content_type = "image/svg+xml"), (status = 400, body = ErrorBody)))]
fn show_rankings_svg() {}

/// Lists the fastest models of the last 24 hours.
#[utoipa::path(get, path = "/rankings/speed", tag = "rankings", security(()),
    responses((status = 200, body = Envelope<Vec<SpeedLine>>)))]
fn show_speed_board() {}

/// Lists the 50 models with most tokens of each day, and the rest as `other`.
#[utoipa::path(get, path = "/datasets/rankings-daily", tag = "rankings",
    params(("start_date" = Option<String>, Query, description = "YYYY-MM-DD, from 2025-01-01 on"),
        ("end_date" = Option<String>, Query), ("period" = Option<String>, Query, description = "day, week or month"),
        ("modality" = Option<String>, Query, description = "text, image, image_output, audio (what models can), tool_calling or image_prompts (what was done)"),
        ("context_bucket" = Option<String>, Query, description = "1K, 10K, 100K, 1M or 10M"),
        ("category" = Option<String>, Query, description = "Only requests about it, such as programming; by week or month"),
        ("language_type" = Option<String>, Query, description = "natural or programming; by week or month")),
    responses((status = 200, body = RankingsDaily), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
fn show_rankings_daily() {}

/// Lists the apps that name themselves, by tokens or by growth.
#[utoipa::path(get, path = "/datasets/app-rankings", tag = "rankings",
    params(("start_date" = Option<String>, Query), ("end_date" = Option<String>, Query),
        ("category" = Option<String>, Query, description = "coding, creative, productivity or entertainment"),
        ("subcategory" = Option<String>, Query, description = "What apps say they are for, such as cli-agent"),
        ("sort" = Option<String>, Query, description = "popular or trending"),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses((status = 200, body = AppRankings), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
fn show_app_rankings() {}

/// Shows what requests of the last seven whole days asked for: shares of each task, of each kind of task, and of models.
#[utoipa::path(get, path = "/classifications/task", tag = "rankings",
    params(("window" = Option<String>, Query, description = "7d")),
    responses((status = 200, body = Envelope<TaskShares>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
fn show_tasks() {}
