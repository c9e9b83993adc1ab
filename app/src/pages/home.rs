//! The front page: what this is, how much of it there is, and a first request.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;

use super::code::{CodeTabs, chat_samples};
use super::session;
use crate::api::{BoardQuery, ModelQuery, use_api};
use crate::components::chart::{ShareBar, Sparkline};
use crate::components::format;
use crate::islands::live_numbers::LiveNumbers;
use crate::types::rankings::Board;
use crate::types::session::Session;

/// How many models the front page ranks.
const TOP: usize = 8;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let week = BoardQuery::default();
        let first = ModelQuery { limit: 1, ..ModelQuery::default() };
        let (session, models, providers, board) =
            futures::join!(session(), api.models(&first), api.providers(), api.board(&week),);
        let numbers = [
            models
                .as_ref()
                .ok()
                .map(|list| (format::grouped(i64::try_from(list.total_count).unwrap_or(i64::MAX)), "models")),
            providers.as_ref().ok().map(|list| (list.len().to_string(), "providers")),
            board.as_ref().ok().map(|board| (format::grouped(board.total_tokens), "tokens this week")),
        ];
        let board = board.unwrap_or_default();
        let sample_model = board
            .rows
            .first()
            .map(|row| row.id.clone())
            .or_else(|| models.ok().and_then(|list| list.data.into_iter().next()).map(|model| model.id))
            .unwrap_or_else(|| "author/model".to_owned());
        let samples = chat_samples(&session.base_url, &sample_model);
        let has_chat_room = session.has_chat_room;
        view! {
            <PageTitle text=""/>
            <section class="hero">
                <div class="hero-text">
                    <p class="eyebrow">"Open · self-hosted · exact to the nano-dollar"</p>
                    <h1>"Every model on one panel."</h1>
                    <p class="lead">
                        "Patchbay is a model marketplace in one binary. One API and one balance for many providers: it routes each request, fails over when a provider is down, and shows what every token cost."
                    </p>
                    {has_chat_room.then(|| view! { <TryIt model=sample_model.clone()/> })}
                    <HomeActions session/>
                    <div class="numbers-row">
                        <dl class="numbers" id="numbers">
                            {numbers.into_iter().flatten().map(|(number, name)| view! {
                                <div><dt>{name}</dt><dd>{number}</dd></div>
                            }).collect_view()}
                        </dl>
                        <LiveNumbers target="numbers".to_owned()/>
                    </div>
                </div>
                <Panel/>
            </section>
            <section class="page split">
                <div>
                    <h2>"Top models this week"</h2>
                    <TopModels board has_chat_room/>
                </div>
                <div>
                    <h2>"A first request"</h2>
                    <p>"Patchbay speaks the OpenAI protocol. Change the base URL and keep your SDK."</p>
                    <CodeTabs id="first-request" samples/>
                </div>
            </section>
            <section class="page">
                <h2 class="visually-hidden">"What it does"</h2>
                <ul class="claims">
                    <li><h3>"Routes"</h3><p>"Endpoints are chosen by price and health. When one fails before its first word, the next one answers."</p></li>
                    <li><h3>"Accounts"</h3><p>"Credit is held before a request and settled to the nano-dollar after it. Parallel requests cannot overspend."</p></li>
                    <li><h3>"Shows"</h3><p>"Rankings, activity, latency and cost come from the requests themselves, folded within a second."</p></li>
                </ul>
            </section>
        }
    })
}

/// A question that the chat room begins with.
#[component]
fn TryIt(model: String) -> impl IntoView {
    view! {
        <form class="try-it" method="get" action="/chat">
            <input type="hidden" name="model" value=model/>
            <label class="visually-hidden" for="try-it">"Ask a model"</label>
            <input id="try-it" class="input" name="q" placeholder="Ask a model something" autocomplete="off" required/>
            <button class="button button-primary" type="submit">"Try it"</button>
        </form>
    }
}

#[component]
fn HomeActions(session: Session) -> impl IntoView {
    let second = if session.user.is_some() {
        ("/keys", "Create a key")
    } else if session.allows_sign_up {
        ("/sign-up", "Create an account")
    } else {
        ("/sign-in", "Sign in")
    };
    view! {
        <p class="button-row">
            <a class="button button-primary button-large" href="/models">"Browse the models"</a>
            <a class="button button-large" href=second.0>{second.1}</a>
        </p>
    }
}

#[component]
fn TopModels(board: Board, has_chat_room: bool) -> impl IntoView {
    if board.rows.is_empty() {
        return view! {
            <div class="empty">
                <p class="empty-title">"No traffic this week."</p>
                <p class="empty-text">
                    "The models that answer most will stand here. "
                    {has_chat_room.then(|| view! { <a href="/chat">"Ask one something."</a> })}
                </p>
            </div>
        }
        .into_any();
    }
    let highest = board.rows.first().map_or(1, |row| row.tokens.max(1));
    let rows = board
        .rows
        .into_iter()
        .take(TOP)
        .map(|row| {
            let percent = format::approximate(row.tokens) / format::approximate(highest) * 100.0;
            view! {
                <li>
                    <a class="top-model" href=format!("/models/{}", row.id)>
                        <span class="top-rank">{row.rank}</span>
                        <span class="top-name">{format::plain(&row.name)}</span>
                        <Sparkline values=row.daily_tokens/>
                        <span class="top-tokens">{format::compact(row.tokens)}</span>
                        <ShareBar percent/>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <ol class="top-models">{rows}</ol>
        <p><a href="/rankings">"All rankings"</a></p>
    }
    .into_any()
}

/// A panel with jacks and cables: programs on the left, models on the right.
#[component]
fn Panel() -> impl IntoView {
    let jacks = |x: u32, rows: &'static [u32]| {
        rows.iter()
            .map(|y| {
                view! {
                    <circle class="panel-ring" cx=x cy=*y r="13"></circle>
                    <circle class="panel-hole" cx=x cy=*y r="6"></circle>
                }
            })
            .collect_view()
    };
    view! {
        <svg class="board" viewBox="0 0 420 360" fill="none" aria-hidden="true">
            <rect class="panel-plate" x="8" y="8" width="404" height="344" rx="18"></rect>
            <path class="panel-groove" d="M210 40v280"></path>
            {jacks(76, &[72, 144, 216, 288])}
            {jacks(156, &[72, 144, 216, 288])}
            {jacks(264, &[72, 144, 216, 288])}
            {jacks(344, &[72, 144, 216, 288])}
            <path class="cable series-0" d="M76 72C150 190 190 20 264 144"></path>
            <path class="cable series-1" d="M156 144C190 300 300 150 344 216"></path>
            <path class="cable series-2" d="M76 216C140 340 240 330 264 288"></path>
            <path class="cable series-3" d="M156 288C220 380 330 190 344 72"></path>
        </svg>
    }
}
