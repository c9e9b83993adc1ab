//! One column on the screen: its model, its settings, its messages.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::column::Column;
use super::message::{MessageView, MessageViewProps};
use super::room::Room;
use crate::components::format;
use crate::components::later::Later;
use crate::islands::model_search::ModelCombobox;
use crate::types::chats::{ModelChoice, Settings};

/// Head, settings when asked for, and the conversation.
#[component]
pub fn ColumnView(room: Room, column: Column) -> impl IntoView {
    let log = NodeRef::<Div>::new();
    // Follows the answer, unless the reader has scrolled up.
    Effect::new(move || {
        column.progress.track();
        let Some(log) = log.get() else { return };
        let is_asked = column.is_asked.get_value() && column.is_busy.get_untracked();
        if is_asked || log.scroll_height() - log.scroll_top() - log.client_height() < 160 {
            column.is_asked.set_value(false);
            log.set_scroll_top(log.scroll_height());
        }
    });
    let label = move || format!("Conversation with {}", name(room, column));
    view! {
        <section class="chat-column">
            <Head room column/>
            <div
                class="chat-log"
                node_ref=log
                tabindex="0"
                role="log"
                aria-label=label
                on:click=super::copy_code
                on:scroll=move |_| if room.scrolls_together.get_untracked() { take_along(log) }
            >
                <For
                    each=move || column.turns.get()
                    key=|turn| turn.number
                    children=move |turn| MessageView(MessageViewProps { room, column, turn })
                />
            </div>
        </section>
    }
}

/// Moves the other columns to the same part of their conversations. Only the one that a pointer
/// or the keyboard is in leads: the others scroll because of it.
fn take_along(log: NodeRef<Div>) {
    let Some(log) = log.get_untracked() else { return };
    if !log.matches(":hover, :focus").unwrap_or(false) {
        return;
    }
    let room_of = |log: &web_sys::Element| f64::from(log.scroll_height() - log.client_height());
    let part = f64::from(log.scroll_top()) / room_of(&log).max(1.0);
    let Ok(logs) = document().query_selector_all(".chat-log") else { return };
    for index in 0..logs.length() {
        let other = logs.get(index).and_then(|node| node.dyn_into::<web_sys::Element>().ok());
        if let Some(other) = other.filter(|other| !log.is_same_node(Some(other))) {
            other.set_scroll_top(whole(part * room_of(&other)));
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "a distance on a screen")]
const fn whole(distance: f64) -> i32 {
    distance.round() as i32
}

/// What the column is called: by its letter while names are hidden.
fn name(room: Room, column: Column) -> String {
    if room.is_masked() {
        let place = room.columns.read().iter().position(|other| other.number == column.number);
        return if place == Some(0) { "Model A".to_owned() } else { "Model B".to_owned() };
    }
    column.model.read().as_ref().map_or_else(|| "Choose a model".to_owned(), |model| format::plain(&model.name))
}

#[component]
fn Head(room: Room, column: Column) -> impl IntoView {
    let is_picking = RwSignal::new(false);
    let is_setting = RwSignal::new(false);
    let choose = Callback::new(move |model: ModelChoice| {
        column.model.set(Some(model));
        is_picking.set(false);
    });
    let price = move || {
        column.model.get().filter(|_| !room.is_masked()).map(|model| {
            view! {
                <span class="chat-price">{model.price}</span>
                {model.is_simulated.then(|| view! { <span class="badge badge-caution">"Simulated"</span> })}
            }
        })
    };
    let spent = move || {
        let (tokens, cost) = column.spent();
        (tokens > 0 && !room.is_masked()).then(|| format!("{} tokens, {}", format::compact(tokens), cost.dollars()))
    };
    let number = column.number;
    let is_several = move || room.columns.read().len() > 1;
    view! {
        <div class="chat-bar">
            <Show
                when=move || !room.is_blind.get()
                fallback=move || view! { <strong>{move || name(room, column)}</strong> }
            >
                <button
                    type="button"
                    class="button chat-model"
                    aria-expanded=move || is_picking.get().to_string()
                    on:click=move |_| is_picking.update(|open| *open = !*open)
                >
                    <span class="visually-hidden">"Model: "</span>{move || name(room, column)}
                </button>
            </Show>
            {price}
            <span class="count chat-spent">{spent}</span>
            <Show when=move || !room.is_blind.get()>
                <button
                    type="button"
                    class="code-copy"
                    aria-expanded=move || is_setting.get().to_string()
                    on:click=move |_| is_setting.update(|open| *open = !*open)
                >
                    "Settings"
                </button>
                <Show when=is_several>
                    <button type="button" class="code-copy" aria-label=move || format!("Close {}", name(room, column)) on:click=move |_| room.remove(number)>"×"</button>
                </Show>
            </Show>
            <Later when=move || is_picking.get()>
                <div class="chat-picker">
                    <ModelCombobox id=format!("chat-model-{number}") label="Find a model" value="" on_choose=choose is_picker=true/>
                </div>
            </Later>
            <Later when=move || is_setting.get()>
                <SettingsForm column/>
            </Later>
        </div>
    }
}

#[component]
fn SettingsForm(column: Column) -> impl IntoView {
    let settings = column.settings;
    let field = move |label: &'static str, pick: fn(&mut Settings) -> &mut String, hint: &'static str| {
        let value = pick(&mut settings.get_untracked()).clone();
        let change = move |event| settings.update(|all| *pick(all) = event_target_value(&event));
        view! {
            <label class="field">
                <small>{label}</small>
                <input class="input" inputmode="decimal" autocomplete="off" placeholder=hint prop:value=value on:input=change/>
            </label>
        }
    };
    let check = move |label: &'static str, pick: fn(&mut Settings) -> &mut bool| {
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || *pick(&mut settings.get())
                    on:change=move |event| settings.update(|all| *pick(all) = event_target_checked(&event))
                />
                {label}
            </label>
        }
    };
    let efforts = [("", "As the model does"), ("low", "Low"), ("medium", "Medium"), ("high", "High")]
        .into_iter()
        .map(|(value, text)| {
            let is_chosen = settings.read_untracked().reasoning == value;
            view! { <option value=value selected=is_chosen>{text}</option> }
        })
        .collect_view();
    view! {
        <div class="chat-settings">
            <label class="field chat-system">
                <small>"System prompt"</small>
                <textarea
                    class="input"
                    rows="2"
                    prop:value=settings.get_untracked().system
                    on:input=move |event| settings.update(|all| all.system = event_target_value(&event))
                ></textarea>
            </label>
            {field("Temperature", |all| &mut all.temperature, "0 to 2")}
            {field("Top P", |all| &mut all.top_p, "0 to 1")}
            {field("Longest answer, tokens", |all| &mut all.max_tokens, "the model's")}
            {field("Only this provider", |all| &mut all.provider, "any")}
            <label class="field">
                <small>"Reasoning"</small>
                <select class="input" on:change=move |event| settings.update(|all| all.reasoning = event_target_value(&event))>{efforts}</select>
            </label>
            {check("Tools: calculator and clock", |all| &mut all.has_tools)}
            {check("Web search", |all| &mut all.has_web)}
        </div>
    }
}
