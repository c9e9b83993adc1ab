//! Which models people prefer, from blind comparisons.

use leptos::prelude::*;

use super::failed;
use crate::api::use_api;
use crate::components::badge::SimulatedBadge;
use crate::components::deferred::deferred;
use crate::components::format;
use crate::components::notice::Empty;
use crate::components::title::PageTitle;
use crate::types::chats::Rating;

/// `/rankings/quality`
#[component]
pub fn Quality() -> impl IntoView {
    let api = use_api();
    deferred(async move {
        let ratings = match api.ratings().await {
            Ok(ratings) => ratings,
            Err(error) => return failed(error),
        };
        let count = format!("{} votes of {} people", ratings.votes, ratings.voters);
        let lowest = ratings.models.iter().map(|rating| rating.low).fold(f64::INFINITY, f64::min);
        let highest = ratings.models.iter().map(|rating| rating.high).fold(f64::NEG_INFINITY, f64::max);
        let body = if ratings.models.is_empty() {
            view! {
                <Empty title="Nobody has voted yet.">
                    <p>"In "<a href="/chat">"the chat room"</a>", \u{201c}Compare blindly\u{201d} puts your question to two models and asks which answer is better."</p>
                </Empty>
            }
            .into_any()
        } else {
            let rows = ratings
                .models
                .into_iter()
                .zip(1..)
                .map(|(rating, rank)| row(rank, rating, (lowest, highest)))
                .collect_view();
            view! {
                <div class="table-scroll" tabindex="0" role="region" aria-label="Ratings">
                    <table class="table table-cards">
                        <caption class="visually-hidden">"Models by rating, with 95 percent confidence intervals"</caption>
                        <thead><tr>
                            <th scope="col" class="number">"Rank"</th>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="number">"Rating"</th>
                            <th scope="col">"95 % interval"</th>
                            <th scope="col" class="number">"Without length"</th>
                            <th scope="col" class="number">"Preferred"</th>
                            <th scope="col" class="number">"Votes"</th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        };
        view! {
            <PageTitle text="Quality"/>
            <section class="page">
                <p class="eyebrow"><a href="/rankings">"Rankings"</a></p>
                <div class="page-head">
                    <h1>"Quality"{ratings.has_simulated.then(|| view! { " " <SimulatedBadge/> })}</h1>
                    <p class="count">{count}</p>
                </div>
                <p class="lead">"Ratings from blind comparisons: 400 points more win ten of eleven. Where intervals overlap, the order is not certain."</p>
                {body}
                <h2>"How it is counted"</h2>
                <p>"Each vote is on two whole answers to the same question, given minutes ago to the person who votes. An answer counts once, a person's further votes on the same two models count ever less, and an hour takes 60 votes. Strengths follow the model of Bradley and Terry; \u{201c}without length\u{201d} takes out the liking for longer answers, estimated from the same votes."</p>
            </section>
        }
        .into_any()
    })
}

fn row(rank: u32, rating: Rating, (lowest, highest): (f64, f64)) -> impl IntoView {
    let place = |value: f64| format!("{:.1}", (value - lowest) / (highest - lowest).max(1.0) * 100.0);
    let width = format!("{:.1}", (rating.high - rating.low) / (highest - lowest).max(1.0) * 100.0);
    view! {
        <tr>
            <td class="number rank" data-label="Rank">{rank}</td>
            <th scope="row" data-label="Model"><a href=format!("/models/{}", rating.id)>{format::plain(&rating.name)}</a></th>
            <td class="number" data-label="Rating">{format!("{:.0}", rating.rating)}</td>
            <td data-label="95 % interval">
                {format!("{:.0} – {:.0}", rating.low, rating.high)}
                <svg class="interval" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="share-track" y="3" width="100" height="2"></rect>
                    <rect class="share-fill" x=place(rating.low) y="2" width=width height="4"></rect>
                </svg>
            </td>
            <td class="number" data-label="Without length">{format!("{:.0}", rating.rating_without_length)}</td>
            <td class="number" data-label="Preferred">{format::percent(rating.win_rate)}</td>
            <td class="number" data-label="Votes">{rating.votes}</td>
        </tr>
    }
}
