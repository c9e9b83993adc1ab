//! Prices per million tokens.

use leptos::prelude::*;

use crate::types::Price;

/// `$2.50`, or "Free".
#[must_use]
pub fn per_million(price: Price) -> String {
    if price.is_zero() { "Free".to_owned() } else { price.per_million() }
}

/// A price with what it is for, as a pair of a description list.
#[component]
pub fn PriceItem(#[prop(into)] label: String, price: Price, #[prop(into)] unit: String) -> impl IntoView {
    let amount = match (price.is_zero(), unit.as_str()) {
        (true, _) => "Free".to_owned(),
        (false, "M tokens") => price.per_million(),
        (false, _) => price.per_unit(),
    };
    let unit = (!price.is_zero()).then(|| view! { <small>" / "{unit}</small> });
    view! {
        <div class="fact">
            <dt>{label}</dt>
            <dd>{amount}{unit}</dd>
        </div>
    }
}
