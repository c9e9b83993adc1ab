//! Code samples: one block, or several languages to choose from without a script.

use leptos::prelude::*;

use crate::components::highlight;
use crate::islands::copy_button::CopyButton;

/// A block of code that can be copied.
#[component]
pub fn CodeBlock(#[prop(into)] language: String, #[prop(into)] code: String) -> impl IntoView {
    let html = highlight::to_html(&language, &code);
    view! {
        <div class="code-block">
            <div class="code-head"><span>{language}</span><CopyButton text=code/></div>
            <pre tabindex="0"><code inner_html=html></code></pre>
        </div>
    }
}

/// The same request in several languages, behind tabs made of radio buttons.
#[component]
pub fn CodeTabs(
    /// Tells the groups of a page apart.
    #[prop(into)]
    id: String,
    /// Language name and code, at most six.
    samples: Vec<(&'static str, String)>,
) -> impl IntoView {
    let tabs = samples
        .iter()
        .enumerate()
        .map(|(index, (language, _))| {
            let tab = format!("{id}-{index}");
            view! {
                <input
                    class=format!("tab-input tab-input-{index}")
                    type="radio"
                    name=id.clone()
                    id=tab.clone()
                    checked=index == 0
                />
                <label class="tab" for=tab>{*language}</label>
            }
        })
        .collect_view();
    let panels = samples
        .into_iter()
        .enumerate()
        .map(|(index, (language, code))| {
            view! {
                <div class=format!("tab-panel tab-panel-{index}")>
                    <CodeBlock language code/>
                </div>
            }
        })
        .collect_view();
    view! { <fieldset class="tabs"><legend class="visually-hidden">"Language"</legend>{tabs}{panels}</fieldset> }
}

/// A first request in the languages and SDKs most people have.
#[must_use]
pub fn chat_samples(base_url: &str, model: &str) -> Vec<(&'static str, String)> {
    let curl = format!(
        r#"curl {base_url}/api/v1/chat/completions \
  -H "Authorization: Bearer $PATCHBAY_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{
    "model": "{model}",
    "messages": [{{"role": "user", "content": "Say hello."}}]
  }}'"#
    );
    let python = format!(
        r#"import os
from openai import OpenAI

client = OpenAI(
    base_url="{base_url}/api/v1",
    api_key=os.environ["PATCHBAY_API_KEY"],
)

answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Say hello."}}],
)
print(answer.choices[0].message.content)"#
    );
    let typescript = format!(
        r#"import OpenAI from "openai";

const client = new OpenAI({{
  baseURL: "{base_url}/api/v1",
  apiKey: process.env.PATCHBAY_API_KEY,
}});

const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Say hello." }}],
}});
console.log(answer.choices[0].message.content);"#
    );
    let mut samples = vec![("curl", curl), ("Python", python), ("TypeScript", typescript)];
    samples.extend(other_samples(base_url, model));
    samples
}

/// Rust without an SDK, and Anthropic's SDKs.
fn other_samples(base_url: &str, model: &str) -> [(&'static str, String); 3] {
    let rust = format!(
        r#"// reqwest with the features json and rustls
let answer: serde_json::Value = reqwest::Client::new()
    .post("{base_url}/api/v1/chat/completions")
    .bearer_auth(std::env::var("PATCHBAY_API_KEY")?)
    .json(&serde_json::json!({{
        "model": "{model}",
        "messages": [{{ "role": "user", "content": "Say hello." }}],
    }}))
    .send()
    .await?
    .error_for_status()?
    .json()
    .await?;
println!("{{}}", answer["choices"][0]["message"]["content"]);"#
    );
    let python = format!(
        r#"import os
from anthropic import Anthropic

client = Anthropic(
    base_url="{base_url}/api",
    auth_token=os.environ["PATCHBAY_API_KEY"],
)

message = client.messages.create(
    model="{model}",
    max_tokens=1024,
    messages=[{{"role": "user", "content": "Say hello."}}],
)
print(message.content[0].text)"#
    );
    let typescript = format!(
        r#"import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({{
  baseURL: "{base_url}/api",
  authToken: process.env.PATCHBAY_API_KEY,
}});

const message = await client.messages.create({{
  model: "{model}",
  max_tokens: 1024,
  messages: [{{ role: "user", content: "Say hello." }}],
}});
console.log(message.content);"#
    );
    [("Rust", rust), ("Anthropic (Python)", python), ("Anthropic (TypeScript)", typescript)]
}
