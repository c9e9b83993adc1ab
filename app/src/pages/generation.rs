//! Everything known about one request.

use crate::components::deferred::deferred;
use crate::components::title::PageTitle;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::generation_content::Content;
use super::{failed, member};
use crate::api::use_api;
use crate::components::badge::{Badge, Tone};
use crate::components::form::CallForm;
use crate::components::format;
use crate::types::Money;
use crate::types::activity::{Feedback, FeedbackCategory, Generation, ProviderResponse, Routing};
use crate::types::labels::{category_name, language_name, task_name};
use crate::types::roles::Permission;

/// `/activity/{id}`
#[component]
pub fn GenerationPage() -> impl IntoView {
    let api = use_api();
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    deferred(async move {
        let body = match member("see this request", &format!("/activity/{id}")).await {
            Err(invitation) => view! { <h1>"Request"</h1>{invitation} }.into_any(),
            Ok(session) => match futures::try_join!(api.generation(&id), api.feedback(&id)) {
                Ok((generation, feedback)) => {
                    let may_read = session.user.as_ref().is_some_and(|user| user.may(Permission::SeePrompts));
                    // What is not kept is a 404.
                    let content = if may_read { Some(api.generation_content(&id).await.ok()) } else { None };
                    let id = generation.id.clone();
                    view! {
                        <Detail generation/>
                        {content.map(|content| view! { <Content content/> })}
                        <Remarks id feedback/>
                    }
                    .into_any()
                }
                Err(error) => return failed(error),
            },
        };
        view! {
            <PageTitle text="Request"/>
            <section class="page">
                <p class="eyebrow"><a href="/activity">"Activity"</a></p>
                {body}
            </section>
        }
        .into_any()
    })
}

/// What was said of the request, and a form to say more.
#[component]
fn Remarks(id: String, feedback: Vec<Feedback>) -> impl IntoView {
    let said = feedback
        .into_iter()
        .map(|one| {
            let comment = (!one.comment.is_empty()).then(|| format!(": {}", format::plain(&one.comment)));
            view! { <li>{one.category.label()}{comment}" "<small>{format::moment(&one.created_at)}</small></li> }
        })
        .collect_view();
    let choices = FeedbackCategory::ALL
        .into_iter()
        .map(|category| view! { <option value=category.as_str()>{category.label()}</option> })
        .collect_view();
    view! {
        <h2 id="feedback">"Was something wrong?"</h2>
        <ul>{said}</ul>
        <CallForm method="POST" path="/api/v1/generation/feedback" next=format!("/activity/{id}") done="Thank you. It is kept with the request.">
            <input type="hidden" name="generation_id" value=id/>
            <label class="field"><span>"What"</span><select class="input" name="category">{choices}</select></label>
            <label class="field">
                <span>"In your words "<small>"(optional)"</small></span>
                <textarea class="input" name="comment" rows="3" maxlength="1000"></textarea>
            </label>
            <button class="button" type="submit">"Send"</button>
        </CallForm>
    }
}

#[component]
fn Detail(generation: Generation) -> impl IntoView {
    let count = |tokens: Option<i64>| tokens.map(format::grouped);
    let flag = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let named = |label: &Option<String>, name: fn(&str) -> Option<&'static str>| {
        label.as_deref().and_then(name).map(str::to_owned)
    };
    let facts = [
        ("Model", Some(generation.model.clone())),
        ("Provider", generation.provider_name.clone()),
        ("Cost", Some(generation.total_cost.dollars())),
        ("Cache discount", generation.cache_discount.map(Money::dollars)),
        ("Discount for its text", generation.data_discount.map(Money::dollars)),
        ("Tokens in", count(generation.native_tokens_prompt.or(generation.tokens_prompt))),
        ("Tokens out", count(generation.native_tokens_completion.or(generation.tokens_completion))),
        ("of these reasoning", count(generation.native_tokens_reasoning.filter(|tokens| *tokens > 0))),
        ("read from cache", count(generation.native_tokens_cached.filter(|tokens| *tokens > 0))),
        ("First token", generation.latency.map(format::duration)),
        ("Writing", generation.generation_time.map(format::duration)),
        ("End", generation.finish_reason.clone()),
        ("Provider's word for it", generation.native_finish_reason.clone()),
        ("Streamed", generation.streamed.map(flag)),
        ("Stopped by the caller", generation.cancelled.map(flag)),
        ("Time", Some(format::moment(&generation.created_at))),
        ("App", Some(generation.origin.clone()).filter(|origin| !origin.is_empty())),
        ("Task", named(&generation.task, task_name)),
        ("Category", named(&generation.category, category_name)),
        ("Language", named(&generation.language, language_name)),
        ("Caller's user", generation.external_user.clone()),
        ("Protocol", generation.api_type.clone()),
        ("Provider's id", generation.upstream_id.clone()),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .map(|(label, value)| view! { <div class="fact"><dt>{label}</dt><dd>{format::plain(&value)}</dd></div> })
        .collect_view();
    let attempts = generation.provider_responses.unwrap_or_default();
    let routing = generation.routing.filter(|routing| !routing.candidates.is_empty());
    view! {
        <h1>"Request"</h1>
        <p class="model-id"><code>{generation.id}</code></p>
        <dl class="facts-grid">{facts}</dl>
        {(!attempts.is_empty()).then(|| view! { <Attempts attempts/> })}
        {routing.map(|routing| view! { <Candidates routing/> })}
    }
}

#[component]
fn Attempts(attempts: Vec<ProviderResponse>) -> impl IntoView {
    let rows = attempts
        .into_iter()
        .zip(1_u32..)
        .map(|(attempt, number)| {
            let (status, tone) = match attempt.status {
                Some(status @ 200..300) => (status.to_string(), Tone::Good),
                Some(status) => (status.to_string(), Tone::Bad),
                None => ("no answer".to_owned(), Tone::Bad),
            };
            view! {
                <tr>
                    <td class="number" data-label="Attempt">{number}</td>
                    <th scope="row" data-label="Provider">{attempt.provider_name.unwrap_or_default()}</th>
                    <td data-label="Model">{attempt.model_permaslug.unwrap_or_default()}</td>
                    <td data-label="Status"><Badge text=status tone/></td>
                    <td class="number" data-label="Until the first token or the failure">
                        {attempt.latency.map_or_else(|| "–".to_owned(), format::duration)}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2>"Attempts"</h2>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Attempts">
            <table class="table table-cards">
                <caption class="visually-hidden">"Providers tried, in order"</caption>
                <thead>
                    <tr>
                        <th scope="col" class="number">"Attempt"</th>
                        <th scope="col">"Provider"</th>
                        <th scope="col">"Model"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="number">"Until the first token or the failure"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Candidates(routing: Routing) -> impl IntoView {
    let rows = routing
        .candidates
        .into_iter()
        .zip(1_u32..)
        .map(|(candidate, number)| {
            let (word, tone) = if candidate.is_taken { ("in order", Tone::Good) } else { ("left out", Tone::Bad) };
            let place = if candidate.is_taken { number.to_string() } else { "–".to_owned() };
            view! {
                <tr>
                    <td class="number" data-label="Place">{place}</td>
                    <th scope="row" data-label="Provider">{candidate.provider} " " <code>{candidate.tag}</code></th>
                    <td data-label="Model">{candidate.model}</td>
                    <td data-label="Taken"><Badge text=word.to_owned() tone/></td>
                    <td data-label="Why">{candidate.reason}</td>
                    <td class="number" data-label="Score">
                        {candidate.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"))}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <h2>"Candidates"</h2>
        {routing.router.map(|summary| view! { <p>{summary}</p> })}
        <div class="table-scroll" tabindex="0" role="region" aria-label="Candidates">
            <table class="table table-cards">
                <caption class="visually-hidden">"Endpoints in the order to try, then those left out"</caption>
                <thead>
                    <tr>
                        <th scope="col" class="number">"Place"</th>
                        <th scope="col">"Provider"</th>
                        <th scope="col">"Model"</th>
                        <th scope="col">"Taken"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col" class="number">"Score"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
